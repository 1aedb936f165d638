import zookeeper from 'node-zookeeper-client'
import { documentOf, type PeerInstance } from '../peer-instance.ts'
import type { NodePeer, NodePeerOptions } from './node-peer.ts'

const { CreateMode, Exception, State } = zookeeper

const isCode = (error: unknown, ...codes: readonly number[]): boolean =>
  error instanceof Exception && codes.includes(error.getCode())

/** Resolves when a call has succeeded. */
const done = (
  call: (callback: (error: Error | zookeeper.Exception | null) => void) => void,
): Promise<void> =>
  new Promise((resolve, reject) => {
    call((error) => (error ? reject(error) : resolve()))
  })

/** A program over `node-zookeeper-client`: an ephemeral node for each registration. */
export const nodeZooKeeperPeer = ({ server, namespace, ttlSeconds }: NodePeerOptions): NodePeer => {
  const open = (): zookeeper.Client => {
    const client = zookeeper.createClient(server, { sessionTimeout: ttlSeconds * 1_000 })
    client.on('state', (state: zookeeper.State) => {
      if (state === State.EXPIRED) void replace()
    })
    client.connect()
    return client
  }
  let client = open()
  const registered = new Map<string, PeerInstance>()
  const parentOf = (service: string): string => `/${namespace || 'services'}/${service}`
  const pathOf = ({ name, id }: PeerInstance): string => `${parentOf(name)}/${id}`

  const register = async (instance: PeerInstance): Promise<void> => {
    const path = pathOf(instance)
    const data = Buffer.from(documentOf(instance))
    await done((callback) => client.mkdirp(parentOf(instance.name), callback))
    try {
      await done((callback) => client.create(path, data, CreateMode.EPHEMERAL, callback))
    } catch (error) {
      if (!isCode(error, Exception.NODE_EXISTS)) throw error
      await done((callback) => client.setData(path, data, -1, callback))
    }
    registered.set(path, instance)
  }

  const replace = async (): Promise<void> => {
    client.close()
    client = open()
    for (const instance of registered.values()) await register(instance).catch(() => {})
  }

  const children = (path: string, changed: () => void): Promise<readonly string[]> =>
    new Promise((resolve, reject) => {
      client.getChildren(path, changed, (error, names) => (error ? reject(error) : resolve(names)))
    })

  const data = (path: string, changed: () => void): Promise<Buffer | undefined> =>
    new Promise((resolve, reject) => {
      client.getData(path, changed, (error, value) => {
        if (!error) resolve(value)
        else if (isCode(error, Exception.NO_NODE)) resolve(undefined)
        else reject(error)
      })
    })

  return {
    register,
    deregister: async (instance) => {
      registered.delete(pathOf(instance))
      await done((callback) => client.remove(pathOf(instance), -1, callback))
    },
    watch: async (service, shown, failed) => {
      const parent = parentOf(service)
      let reading = false
      let due = false
      const again = (): void => {
        due = true
        if (!reading) void readAll()
      }
      const readAll = async (): Promise<void> => {
        reading = true
        while (due) {
          due = false
          await read().catch((error: unknown) => {
            // a service that is not there yet, and a connection that is away, are asked for again
            if (!isCode(error, Exception.NO_NODE, Exception.CONNECTION_LOSS)) failed(error)
            setTimeout(again, 200)
          })
        }
        reading = false
      }
      const read = async (): Promise<void> => {
        const names = await children(parent, again)
        const values = await Promise.all(names.map((name) => data(`${parent}/${name}`, again)))
        shown(
          values.flatMap((value) => (value ? [JSON.parse(value.toString()) as PeerInstance] : [])),
        )
      }
      again()
    },
  }
}
