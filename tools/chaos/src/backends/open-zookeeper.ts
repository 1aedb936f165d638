import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { backUpData, createCertificates } from '@sd/contract-tests/servers'
import { expireZooKeeperSession, zookeeper as zookeeperServer } from '@sd/test-servers'
import type { ChaosBackend } from './chaos-backend.ts'
import { ProxiedServers } from './proxied-servers.ts'

/** Asks a server for its role, by a four-letter word. */
const modeOf = (endpoint: string): Promise<string> => {
  const [host = '', port = ''] = endpoint.split(':')
  const socket = connect({ host, port: Number(port) })
  socket.end('srvr')
  return text(socket)
}

/** ZooKeeper behind proxies, over TLS if the environment asks for it. */
export const openZooKeeper = async (members: number): Promise<ChaosBackend> => {
  const certificates =
    process.env['SD_TEST_ZOOKEEPER_TLS'] === '1' ? await createCertificates() : undefined
  const proxied = await ProxiedServers.launch(zookeeperServer, members, certificates?.server)
  const { copyable, cluster } = proxied
  // without TLS, for four-letter words and for a client that has none
  const plain = cluster.servers.map(
    ({ endpoints }) => endpoints[certificates ? 'plain' : 'client'] ?? '',
  )
  const parts = proxied.parts(['expire-session'])
  return {
    ...parts,
    ...(certificates && { description: `${parts.description}, over TLS` }),
    boundsFor: (ttlMs) => ({
      // a tick of the test servers; sessions are counted anew after a restart
      graceMs: 500,
      restartLimitMs: ttlMs,
      lateWriteMs: 0,
      deadWatchMs: 0,
      restoredMs: 0,
    }),
    place: (over, namespace) => ({
      module: import.meta.resolve('@sd/zookeeper'),
      factory: 'zookeeper',
      config: {
        hosts: proxied.endpoints(over),
        namespace,
        ...(certificates && { tls: { ca: certificates.ca } }),
      },
    }),
    leader: async () => {
      for (const [index, endpoint] of plain.entries()) {
        const server = cluster.servers[index]
        if (server !== undefined && (await modeOf(endpoint)).includes('Mode: leader')) return server
      }
      throw new Error('no member of ZooKeeper is the leader')
    },
    ...(copyable === undefined ? {} : { backUp: () => backUpData(copyable) }),
    expireSession: (sessionId) => expireZooKeeperSession(plain[0] ?? '', sessionId),
    [Symbol.asyncDispose]: () => proxied[Symbol.asyncDispose](),
  }
}
