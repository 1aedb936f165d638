import { goPeers } from './go-peers.ts'
import { javaPeers } from './java-peers.ts'
import { nodePeers } from './node-peers.ts'
import type { PeerProgram } from './peer-program.ts'

/** One library on one backend, and what it can express. */
export interface KnownPeer {
  readonly name: string
  readonly backend: 'etcd' | 'zookeeper' | 'consul'
  readonly program: () => Promise<PeerProgram>
  /** Endpoints of one instance, in the form of the library. */
  readonly endpoints: (host: string) => readonly string[]
}

const node = (): Promise<PeerProgram> => Promise.resolve(nodePeers)
const kratos = (host: string): readonly string[] => [`http://${host}:8080`, `grpc://${host}:9090`]
const address = (host: string): readonly string[] => [`${host}:8080`]
const http = (host: string): readonly string[] => [`http://${host}:8080`]
const httpAndHttps = (host: string): readonly string[] => [
  `http://${host}:8080`,
  `https://${host}:8443`,
]

/** Every peer, by the name that its program knows. */
export const knownPeers: readonly KnownPeer[] = [
  { name: 'kratos-etcd', backend: 'etcd', program: goPeers, endpoints: kratos },
  { name: 'go-zero', backend: 'etcd', program: goPeers, endpoints: address },
  { name: 'etcd-naming', backend: 'etcd', program: goPeers, endpoints: address },
  { name: 'etcd3', backend: 'etcd', program: node, endpoints: kratos },
  { name: 'kratos-zookeeper', backend: 'zookeeper', program: goPeers, endpoints: kratos },
  { name: 'curator', backend: 'zookeeper', program: javaPeers, endpoints: httpAndHttps },
  { name: 'spring-zookeeper', backend: 'zookeeper', program: javaPeers, endpoints: http },
  {
    name: 'dubbo',
    backend: 'zookeeper',
    program: javaPeers,
    endpoints: (host) => [`dubbo://${host}:20880`],
  },
  { name: 'node-zookeeper-client', backend: 'zookeeper', program: node, endpoints: kratos },
  { name: 'kratos-consul', backend: 'consul', program: goPeers, endpoints: kratos },
  { name: 'spring-consul', backend: 'consul', program: javaPeers, endpoints: http },
  { name: 'consul', backend: 'consul', program: node, endpoints: http },
]
