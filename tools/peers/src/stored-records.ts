import zookeeper from 'node-zookeeper-client'
import { until } from '@sd/test-servers'

/** What a server stores, byte for byte: values by their keys, in the order of the keys. */
export type Stored = Readonly<Record<string, string>>

const sorted = (entries: readonly (readonly [string, string])[]): Stored =>
  Object.fromEntries(entries.toSorted(([one], [other]) => (one < other ? -1 : 1)))

/** Everything that is stored in etcd. */
export const storedInEtcd = async (server: string): Promise<Stored> => {
  const zero = Buffer.from('\0').toString('base64')
  const answer = await fetch(`http://${server}/v3/kv/range`, {
    method: 'POST',
    body: JSON.stringify({ key: zero, range_end: zero }),
  })
  const { kvs = [] } = (await answer.json()) as { kvs?: { key: string; value?: string }[] }
  const text = (base64 = ''): string => Buffer.from(base64, 'base64').toString()
  return sorted(kvs.map(({ key, value }) => [text(key), text(value)]))
}

/** Every node below `root` in ZooKeeper, itself included. */
export const storedInZooKeeper = async (server: string, root: string): Promise<Stored> => {
  const client = zookeeper.createClient(server)
  client.connect()
  try {
    await until(
      'ZooKeeper accepts a session',
      () => client.getState() === zookeeper.State.SYNC_CONNECTED,
    )
    const found: [string, string][] = []
    const visit = async (path: string): Promise<void> => {
      const data = await new Promise<Buffer | undefined>((resolve, reject) => {
        client.getData(path, (error, value) => (error ? reject(error) : resolve(value)))
      })
      found.push([path, data?.toString() ?? ''])
      const names = await new Promise<readonly string[]>((resolve, reject) => {
        client.getChildren(path, (error, children) => (error ? reject(error) : resolve(children)))
      })
      for (const name of names) await visit(`${path}/${name}`)
    }
    await visit(root)
    return sorted(found)
  } finally {
    client.close()
  }
}

const serviceFields = [
  'ID',
  'Service',
  'Tags',
  'Meta',
  'Port',
  'Address',
  'TaggedAddresses',
  'Weights',
  'EnableTagOverride',
] as const
const checkFields = ['CheckID', 'Name', 'Status', 'Notes', 'Output', 'ServiceID', 'Type'] as const

/**
 * The services and checks of a Consul agent, in the form in which it lists them: without the fields
 * that only some releases add.
 */
export const storedInConsul = async (server: string): Promise<Stored> => {
  const read = async (what: string, fields: readonly string[]): Promise<[string, string][]> => {
    const answer = await fetch(`http://${server}/v1/agent/${what}`)
    const entries = Object.entries((await answer.json()) as Record<string, object>)
    // with a list of fields JSON.stringify would also drop the fields of nested objects
    return entries.map(([key, value]) => {
      const kept = Object.entries(value).filter(([field]) => fields.includes(field))
      return [`${what}/${key}`, JSON.stringify(Object.fromEntries(kept))]
    })
  }
  return sorted([
    ...(await read('services', serviceFields)),
    ...(await read('checks', checkFields)),
  ])
}
