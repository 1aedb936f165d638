import { backUpData, TcpProxy } from '@sd/contract-tests/servers'
import { etcd as etcdServer, launch } from '@sd/test-servers'
import { Etcd3 } from 'etcd3'
import type { ChaosBackend } from './chaos-backend.ts'
import { disturbLink, linkFaultNames } from './disturb-link.ts'

/** One etcd server behind two proxies. */
export const openEtcd = async (namespace: string): Promise<ChaosBackend> => {
  const cluster = await launch(etcdServer)
  const [server] = cluster.servers
  if (server === undefined) throw new Error('no server was launched')
  const direct = server.endpoints['client'] ?? ''
  const proxies = { a: await TcpProxy.to(direct), b: await TcpProxy.to(direct) }
  const admin = new Etcd3({ hosts: `http://${direct}` })
  return {
    description: `etcd ${cluster.version} as a ${cluster.driver}`,
    faults: new Set([
      ...linkFaultNames,
      'kill-server',
      'stop-server',
      'wipe',
      'freeze',
      'compact',
      'expire-session',
      // a container keeps its data to itself
      ...(server.dataDir === undefined ? [] : (['backup', 'restore'] as const)),
    ]),
    boundsFor: (ttlMs) => ({
      // leases that are due are looked for every 500 ms, and a restart arms them anew
      graceMs: 500,
      restartLimitMs: ttlMs,
      lateWriteMs: 0,
      deadWatchMs: 0,
    }),
    place: (over) => ({
      module: import.meta.resolve('@sd/etcd'),
      factory: 'etcd',
      config: {
        endpoints: [`http://${over === 'direct' ? direct : proxies[over].endpoint}`],
        namespace,
      },
    }),
    server,
    backUp: () => backUpData(server),
    compact: async () => {
      const { revision } = (await admin.put('compacted').value('').exec()).header
      await admin.kv.compact({ revision, physical: true })
    },
    expireSession: async (sessionId) => {
      await admin.leaseClient.leaseRevoke({ ID: sessionId })
    },
    disturb: async (fault) => disturbLink(proxies[fault.link], fault),
    heal: async (link) => proxies[link].heal(),
    [Symbol.asyncDispose]: async () => {
      admin.close()
      await Promise.all([proxies.a[Symbol.asyncDispose](), proxies.b[Symbol.asyncDispose]()])
      await cluster[Symbol.asyncDispose]()
    },
  }
}
