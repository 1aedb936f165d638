import { backUpData } from '@sd/contract-tests/servers'
import { expireZooKeeperSession, zookeeper as zookeeperServer } from '@sd/test-servers'
import type { ChaosBackend } from './chaos-backend.ts'
import { ProxiedServer, serverFaultNames } from './proxied-server.ts'

/** One ZooKeeper server behind two proxies. */
export const openZooKeeper = async (namespace: string): Promise<ChaosBackend> => {
  const proxied = await ProxiedServer.launch(zookeeperServer)
  const { server } = proxied
  return {
    ...proxied.parts(),
    faults: new Set([...serverFaultNames(server), 'expire-session']),
    boundsFor: (ttlMs) => ({
      // a tick of the test servers; sessions are counted anew after a restart
      graceMs: 500,
      restartLimitMs: ttlMs,
      lateWriteMs: 0,
      deadWatchMs: 0,
    }),
    place: (over) => ({
      module: import.meta.resolve('@sd/zookeeper'),
      factory: 'zookeeper',
      config: { hosts: [proxied.endpoint(over)], namespace },
    }),
    backUp: () => backUpData(server),
    expireSession: (sessionId) => expireZooKeeperSession(proxied.endpoint('direct'), sessionId),
    [Symbol.asyncDispose]: () => proxied[Symbol.asyncDispose](),
  }
}
