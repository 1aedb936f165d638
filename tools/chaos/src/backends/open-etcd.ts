import { backUpData } from '@sd/contract-tests/servers'
import { etcd as etcdServer } from '@sd/test-servers'
import { Etcd3 } from 'etcd3'
import type { ChaosBackend } from './chaos-backend.ts'
import { ProxiedServer, serverFaultNames } from './proxied-server.ts'

/** One etcd server behind two proxies. */
export const openEtcd = async (namespace: string): Promise<ChaosBackend> => {
  const proxied = await ProxiedServer.launch(etcdServer)
  const { server } = proxied
  const admin = new Etcd3({ hosts: `http://${proxied.endpoint('direct')}` })
  return {
    ...proxied.parts(),
    faults: new Set([...serverFaultNames(server), 'compact', 'expire-session']),
    boundsFor: (ttlMs) => ({
      // etcd looks for due leases every 500 ms, and counts them anew after a restart
      graceMs: 500,
      restartLimitMs: ttlMs,
      lateWriteMs: 0,
      deadWatchMs: 0,
    }),
    place: (over) => ({
      module: import.meta.resolve('@sd/etcd'),
      factory: 'etcd',
      config: { endpoints: [`http://${proxied.endpoint(over)}`], namespace },
    }),
    backUp: () => backUpData(server),
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
