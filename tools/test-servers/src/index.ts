export { type Backend, backends, wantedBackends } from './backend.ts'
export { type Certificate, type Certificates, createCertificates } from './create-certificates.ts'
export { launch } from './launch.ts'
export { provideServers, type ProvidedServers } from './provide-servers.ts'
export { describeProvision, type Provision, type Provisions } from './provision.ts'
export { provisioned, provisionFor } from './provisioned.ts'
export type {
  Cluster,
  LaunchOptions,
  Member,
  Server,
  ServerSpec,
  StopSignal,
  TlsOptions,
} from './server.ts'
export { consul } from './specs/consul.ts'
export { etcd } from './specs/etcd.ts'
export { zookeeper } from './specs/zookeeper.ts'
export { StrangeHost } from './strange-host.ts'
export { TcpProxy } from './tcp-proxy.ts'
export { until } from './until.ts'
