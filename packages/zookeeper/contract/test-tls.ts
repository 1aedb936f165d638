import { type Cluster, createCertificates } from '@sd/contract-tests/servers'
import {
  launch,
  provideServers,
  type ProvidedServers,
  type TestServer,
  zookeeper,
} from '@sd/test-servers'

/**
 * Whether every server and client of this run uses TLS, and not only those of the cases about TLS. Cases that count
 * or insert bytes of ZooKeeper's own frames on the wire are then skipped.
 */
export const isOverTls = process.env['SD_TEST_ZOOKEEPER_TLS'] === '1'

const certificates = isOverTls ? await createCertificates() : undefined

// without client certificates: nodes would belong to their users as well, and no password be wrong
const ofServers = certificates && { tls: { ...certificates.server, ca: certificates.ca } }

/** What a client of these servers needs in its configuration. */
export const clientTls: { readonly tls?: { readonly ca: string } } = certificates
  ? { tls: { ca: certificates.ca } }
  : {}

/** `launch`, with TLS if this run uses it. */
export const launchZooKeeper = (
  server: TestServer = zookeeper,
  options: NonNullable<Parameters<typeof launch>[1]> = {},
): ReturnType<typeof launch> => launch(server, { ...ofServers, ...options })

/** `provideServers`, with TLS if this run uses it. */
export const provideZooKeeper = (): Promise<ProvidedServers> => provideServers(zookeeper, ofServers)

/** The endpoint without TLS of the first server, for clients that have none. */
export const plainOf = (of: ProvidedServers | Cluster): string => {
  if ('servers' in of) return of.servers[0]?.endpoints[isOverTls ? 'plain' : 'client'] ?? ''
  return of.control === undefined ? (of.endpoints[0] ?? '') : plainOf(of.control)
}
