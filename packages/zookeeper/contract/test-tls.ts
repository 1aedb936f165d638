import { once } from 'node:events'
import { connect as dial, type Socket } from 'node:net'
import { connect, createServer } from 'node:tls'
import { type Cluster, createCertificates, endpointOf } from '@sd/contract-tests/servers'
import {
  launch,
  provideServers,
  type ProvidedServers,
  type TestServer,
  until,
  zookeeper,
} from '@sd/test-servers'

/** Whether every server and client of this run uses TLS, and not only those of the cases about TLS. */
export const isOverTls = process.env['SD_TEST_ZOOKEEPER_TLS'] === '1'

const certificates = isOverTls ? await createCertificates() : undefined

// without client certificates: nodes would belong to their users as well, and no password be wrong
const ofServers = certificates && { tls: { ...certificates.server, ca: certificates.ca } }

/** What a client of these servers needs in its configuration. */
export const clientTls: { readonly tls?: { readonly ca: string } } = certificates
  ? { tls: { ca: certificates.ca } }
  : {}

/** Whether a server completes a handshake. */
const shakesHands = (endpoint = ''): Promise<boolean> =>
  new Promise((resolve) => {
    const [host = '', port = ''] = endpoint.split(':')
    const socket = connect({ host, port: Number(port), ...clientTls.tls })
    const settle = (isDone: boolean): void => {
      socket.destroy()
      resolve(isDone)
    }
    socket.setTimeout(10_000, () => settle(false))
    socket.once('secureConnect', () => settle(true))
    socket.once('error', () => settle(false))
  })

/** The first handshake of a server loads classes: on a busy machine it takes longer than clients wait. */
const warmUp = async ({ servers }: Cluster): Promise<void> => {
  if (!isOverTls) return
  for (const { endpoints } of servers)
    await until('a server completes a handshake', () => shakesHands(endpoints['client']), 60_000)
}

/** `launch`, with TLS if this run uses it. */
export const launchZooKeeper = async (
  server: TestServer = zookeeper,
  options: NonNullable<Parameters<typeof launch>[1]> = {},
): Promise<Cluster> => {
  const cluster = await launch(server, { ...ofServers, ...options })
  await warmUp(cluster)
  return cluster
}

/** `provideServers`, with TLS if this run uses it. */
export const provideZooKeeper = async (): Promise<ProvidedServers> => {
  const servers = await provideServers(zookeeper, ofServers)
  if (servers.control !== undefined) await warmUp(servers.control)
  return servers
}

/** The endpoint without TLS of the first server, for clients that have none. */
export const plainOf = (of: ProvidedServers | Cluster): string => {
  if ('servers' in of) return of.servers[0]?.endpoints[isOverTls ? 'plain' : 'client'] ?? ''
  return of.control === undefined ? (of.endpoints[0] ?? '') : plainOf(of.control)
}

/** An address for the clients of this run. */
export interface Front extends AsyncDisposable {
  readonly endpoint: string
}

/**
 * `plain` (`host:port`, without TLS) for the clients of this run: with TLS, an endpoint in front of it that speaks it.
 * A case that counts, cuts or inserts bytes of ZooKeeper's own frames does so behind it, where they can be read.
 */
export const inFrontOf = async (plain: string): Promise<Front> => {
  if (!certificates) return { endpoint: plain, [Symbol.asyncDispose]: async () => {} }
  const [plainHost = '', plainPort = ''] = plain.split(':')
  const sockets = new Set<Socket>()
  const front = createServer(certificates.server, (client) => {
    const behind = dial(Number(plainPort), plainHost)
    for (const [one, other] of [
      [client, behind],
      [behind, client],
    ] as const) {
      sockets.add(one)
      one.on('error', () => {})
      one.on('data', (chunk) => other.write(chunk))
      // `end`: what was received before a reset is delivered, as without TLS
      one.on('close', () => {
        sockets.delete(one)
        other.end()
      })
    }
  })
  front.on('tlsClientError', () => {})
  front.listen(0, '127.0.0.1')
  await once(front, 'listening')
  return {
    endpoint: endpointOf(front),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => front.close(resolve))
    },
  }
}
