/**
 * Real servers for tests: started as child processes or in containers, stopped, killed, frozen and
 * wiped, with a TCP proxy that simulates link faults, certificates, and ports that no other test
 * process has. It does not import Vitest. Containers need the package `testcontainers`.
 * @module
 */
export { backUpData } from './back-up-data.ts'
export { type Certificate, type Certificates, createCertificates } from './create-certificates.ts'
export { endpointOf } from './endpoint-of.ts'
export { type LinkFaults, linkFaults } from './link-faults.ts'
export { launchCluster } from './launch-cluster.ts'
export { ports, type PortSlice } from './ports.ts'
export type { ProxyBytes } from './proxy-faults.ts'
export { runLabels } from './run-id.ts'
export type { Cluster, Server, StopSignal } from './server.ts'
export type { LaunchOptions, Member, ServerSpec, TlsOptions } from './server-spec.ts'
export { startSweeper } from './start-sweeper.ts'
export { type StrangeBehaviour, StrangeHost } from './strange-host.ts'
export { TcpProxy } from './tcp-proxy.ts'
