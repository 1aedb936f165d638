import { Etcd3, type Lease } from 'etcd3'
import { documentOf, type PeerInstance } from '../peer-instance.ts'
import type { NodePeer, NodePeerOptions } from './node-peer.ts'

/** A program over `etcd3`: a lease for each registration, and a watch that reads everything again. */
export const etcd3Peer = ({ server, namespace, ttlSeconds }: NodePeerOptions): NodePeer => {
  const client = new Etcd3({ hosts: server })
  const leases = new Map<string, Lease>()
  const prefixOf = (service: string): string => `${namespace || 'services'}/${service}/`
  const keyOf = ({ name, id }: PeerInstance): string => `${prefixOf(name)}${id}`

  const register = async (instance: PeerInstance): Promise<void> => {
    const key = keyOf(instance)
    const lease = client.lease(ttlSeconds)
    await lease.put(key).value(documentOf(instance))
    const before = leases.get(key)
    leases.set(key, lease)
    // the key belongs to the new lease, so the end of the old one leaves it
    await before?.revoke().catch(() => {})
    lease.on('lost', () => {
      if (leases.get(key) !== lease) return
      leases.delete(key)
      const again = (): void => void register(instance).catch(() => setTimeout(again, 500))
      again()
    })
  }

  return {
    register,
    deregister: async (instance) => {
      const key = keyOf(instance)
      const lease = leases.get(key)
      leases.delete(key)
      await client.delete().key(key)
      await lease?.revoke()
    },
    watch: async (service, shown, failed) => {
      const prefix = prefixOf(service)
      const read = async (): Promise<void> => {
        const found = await client.getAll().prefix(prefix).strings()
        shown(Object.values(found).map((text) => JSON.parse(text) as PeerInstance))
      }
      const watcher = await client.watch().prefix(prefix).create()
      const again = (): void => void read().catch(failed)
      watcher.on('put', again).on('delete', again).on('connected', again)
      watcher.on('error', failed)
      await read()
    },
  }
}
