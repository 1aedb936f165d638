import { backUpData } from '@sd/contract-tests/servers'
import { etcd as etcdServer } from '@sd/test-servers'
import { Etcd3 } from 'etcd3'
import type { ChaosBackend } from './chaos-backend.ts'
import { ProxiedServers } from './proxied-servers.ts'

/** etcd behind proxies. */
export const openEtcd = async (members: number): Promise<ChaosBackend> => {
  const proxied = await ProxiedServers.launch(etcdServer, members)
  const { copyable, cluster } = proxied
  const urls = proxied.endpoints('direct').map((host) => `http://${host}`)
  const admin = new Etcd3({ hosts: urls })
  return {
    ...proxied.parts(['compact', 'expire-session']),
    boundsFor: (ttlMs) => ({
      // etcd looks for due leases every 500 ms, and counts them anew after a restart
      graceMs: 500,
      restartLimitMs: ttlMs,
      lateWriteMs: 0,
      deadWatchMs: 0,
      restoredMs: 0,
    }),
    place: (over, namespace) => ({
      module: import.meta.resolve('@sd/etcd'),
      factory: 'etcd',
      config: { endpoints: proxied.endpoints(over).map((host) => `http://${host}`), namespace },
    }),
    leader: async () => {
      for (const [index, url] of urls.entries()) {
        const member = new Etcd3({ hosts: url })
        const status = await member.maintenance.status().finally(() => member.close())
        const server = cluster.servers[index]
        if (server !== undefined && status.leader === status.header.member_id) return server
      }
      throw new Error('no member of etcd is the leader')
    },
    ...(copyable === undefined ? {} : { backUp: () => backUpData(copyable) }),
    compact: async () => {
      const { revision } = (await admin.put('compacted').value('').exec()).header
      await admin.kv.compact({ revision, physical: true })
    },
    expireSession: async (sessionId) => {
      await admin.leaseClient.leaseRevoke({ ID: sessionId })
    },
    [Symbol.asyncDispose]: async () => {
      admin.close()
      await proxied[Symbol.asyncDispose]()
    },
  }
}
