import Consul from 'consul'
import type { PeerInstance } from '../peer-instance.ts'
import type { NodePeer, NodePeerOptions } from './node-peer.ts'

interface Entry {
  readonly Service: {
    readonly ID: string
    readonly Service: string
    readonly Address: string
    readonly Port: number
    readonly Meta: Readonly<Record<string, string>> | null
  }
}

/** A program over `consul`: a plain service with a TTL check, and the package's own watch. */
export const consulPeer = ({ server, ttlSeconds }: NodePeerOptions): NodePeer => {
  const [host = '', port = ''] = server.split(':')
  const client = new Consul({ host, port: Number(port) })
  const beats = new Map<string, NodeJS.Timeout>()

  const stop = (id: string): void => {
    clearInterval(beats.get(id))
    beats.delete(id)
  }

  const write = async ({ id, name, metadata, endpoints }: PeerInstance): Promise<void> => {
    const url = new URL(endpoints[0] ?? '')
    await client.agent.service.register({
      id,
      name,
      address: url.hostname,
      port: Number(url.port),
      meta: { ...metadata },
      check: { name, timeout: '5s', ttl: `${ttlSeconds}s`, deregistercriticalserviceafter: '1m' },
    })
    await client.agent.check.pass(`service:${id}`)
  }

  return {
    register: async (instance) => {
      await write(instance)
      stop(instance.id)
      const beat = (): void =>
        void client.agent.check
          .pass(`service:${instance.id}`)
          .catch(() => write(instance))
          .catch(() => {})
      beats.set(instance.id, setInterval(beat, (ttlSeconds * 1_000) / 3))
    },
    deregister: async ({ id }) => {
      stop(id)
      await client.agent.service.deregister(id)
    },
    watch: async (service, shown, failed) => {
      const options = { service, passing: 'true' }
      // oxlint-disable-next-line typescript/unbound-method -- as its README says; it binds the method
      const watch = client.watch({ method: client.health.service, options })
      watch.on('change', (entries: readonly Entry[]) =>
        shown(
          entries.map(({ Service: { ID, Service, Address, Port, Meta } }) => ({
            id: ID,
            name: Service,
            metadata: Meta,
            endpoints: [`http://${Address}:${Port}`],
          })),
        ),
      )
      watch.on('error', failed)
    },
  }
}
