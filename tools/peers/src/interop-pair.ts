/** How `@sd` joins the fleet of one peer. */
export interface InteropPair {
  /** The name of a known peer. */
  readonly peer: string
  /** The URL of a registry at `server` (`host:port`), in the format of the peer. */
  readonly url: (server: string) => string
  /** The endpoints of our instances at `host`, of which the peer reads at least one. */
  readonly endpoints: (host: string) => readonly string[]
  /** Whether its reader shows our weight, in the metadata. */
  readonly showsWeight: boolean
  /** Whether we read a weight in the metadata of its records. */
  readonly readsWeight: boolean
  /** Whether its instances are back after the server lost its data. */
  readonly recovers: boolean
  /**
   * An error that its reader reports whenever an instance leaves while it reads, whoever wrote that, and
   * after which it reads again.
   */
  readonly usualError?: string
  /** Set if its reader sometimes sees no change after an outage, until its process is started again. */
  readonly losesWatches?: true
}

const kratos = (host: string): readonly string[] => [`http://${host}:8080`, `grpc://${host}:9090`]
const grpc = (host: string): readonly string[] => [`grpc://${host}:9090`, `http://${host}:8080`]
const http = (host: string): readonly string[] => [`http://${host}:8080`]

const usual = { showsWeight: true, readsWeight: true, recovers: true } as const

/** Every peer with the format in which `@sd` speaks to it. */
export const interopPairs: readonly InteropPair[] = [
  {
    ...usual,
    peer: 'kratos-etcd',
    url: (server) => `etcd://${server}/microservices?format=kratos`,
    endpoints: kratos,
  },
  {
    ...usual,
    peer: 'go-zero',
    url: (server) => `etcd://${server}?format=go-zero`,
    endpoints: grpc,
    showsWeight: false,
    readsWeight: false,
  },
  {
    ...usual,
    peer: 'etcd-naming',
    url: (server) => `etcd://${server}?format=etcd-naming`,
    endpoints: grpc,
    showsWeight: false,
    recovers: false, // the lease is its user's
  },
  {
    ...usual,
    peer: 'etcd3',
    url: (server) => `etcd://${server}`,
    endpoints: kratos,
    showsWeight: false,
  },
  {
    ...usual,
    peer: 'kratos-zookeeper',
    url: (server) => `zookeeper://${server}/microservices?format=kratos`,
    endpoints: kratos,
    recovers: false, // one failed attempt ends its recovery
    usualError: 'zk: node does not exist',
    losesWatches: true, // its client sends a watch again once, and tells nobody if that fails
  },
  {
    ...usual,
    peer: 'curator',
    url: (server) => `zookeeper://${server}/services?format=curator`,
    endpoints: (host) => [`http://${host}:8080`, `https://${host}:8443`, `grpc://${host}:9090`],
    showsWeight: false,
    readsWeight: false,
  },
  {
    ...usual,
    peer: 'spring-zookeeper',
    url: (server) => `zookeeper://${server}/services?format=spring-zookeeper`,
    endpoints: http,
  },
  {
    ...usual,
    peer: 'dubbo',
    url: (server) => `zookeeper://${server}/services?format=dubbo`,
    endpoints: (host) => [`dubbo://${host}:20880`],
  },
  {
    ...usual,
    peer: 'node-zookeeper-client',
    url: (server) => `zookeeper://${server}/services`,
    endpoints: kratos,
    showsWeight: false,
    recovers: false, // an empty server refuses the client, which has seen later transactions
  },
  {
    ...usual,
    peer: 'kratos-consul',
    url: (server) => `consul://${server}?format=kratos`,
    endpoints: kratos,
  },
  {
    ...usual,
    peer: 'spring-consul',
    url: (server) => `consul://${server}?format=spring-consul`,
    endpoints: http,
  },
  {
    ...usual,
    peer: 'consul',
    url: (server) => `consul://${server}?format=kratos`, // which reads plain services, too
    endpoints: kratos,
  },
]
