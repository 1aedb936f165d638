import type { Backend } from './backend.ts'

/** How a server ends: asked (SIGTERM, it may say goodbye) or killed (SIGKILL, it may not). */
export type StopSignal = 'term' | 'kill'

/** One real server. Its endpoints never change over its life, whatever is done to it. */
export interface Server extends AsyncDisposable {
  /** Its member name within the cluster: `n1`. */
  readonly name: string
  /** The server's version as it was provided: `3.5.16`. */
  readonly version: string
  /** Host-reachable `127.0.0.1:port` by port name: `endpoints.client`. */
  readonly endpoints: Readonly<Record<string, string>>
  /** Starts it (again) and resolves once it serves. Data of an earlier life is still there. */
  start(): Promise<void>
  /** Resolves once the server is gone. A paused one is resumed first, a stopped one stays so. */
  stop(signal?: StopSignal): Promise<void>
  /** {@link stop}, then {@link start}. */
  restart(signal?: StopSignal): Promise<void>
  /** Deletes the data of a stopped server: its next start is empty, on the same ports. */
  wipe(): Promise<void>
  /** Freezes it: connections stay open and the port accepts, but nothing answers. */
  pause(): Promise<void>
  /** Ends {@link pause}. */
  resume(): Promise<void>
  /** What the server has logged so far. */
  logs(): Promise<string>
}

/** Servers that form one service. What is done to all of them is done to all at once. */
export interface Cluster extends AsyncDisposable {
  readonly driver: 'container' | 'process'
  readonly version: string
  readonly servers: readonly Server[]
  /** Starts every member at once (a quorum is needed before any of them is ready). */
  start(): Promise<void>
  stop(signal?: StopSignal): Promise<void>
  /** Deletes the data of every member; all of them must be stopped. */
  wipe(): Promise<void>
}

/** TLS of the client port, as PEM texts. The certificate must name 127.0.0.1. */
export interface TlsOptions {
  readonly cert: string
  readonly key: string
  /** The authority that client certificates must come from. */
  readonly ca?: string
  /** Refuse clients that have no certificate of {@link ca}. */
  readonly clientCertAuth?: boolean
}

/** What a test may change about a server. */
export interface LaunchOptions {
  /** Names of the members; three names make a cluster of three. Default: `['n1']`. */
  readonly members?: readonly string[]
  readonly tls?: TlsOptions
  /** Files to put into the member's `confDir`, by file name. */
  readonly files?: Readonly<Record<string, string>>
  /** More arguments of the server; they come last, so they win. */
  readonly args?: readonly string[] | ((member: Member) => readonly string[])
  readonly env?: Readonly<Record<string, string>>
}

/** Where a member finds itself: what its spec needs to know to configure it. */
export interface Member {
  readonly name: string
  readonly members: readonly string[]
  readonly driver: 'container' | 'process'
  readonly version: string
  /** The folders and the listen address as the server itself sees them. */
  readonly confDir: string
  readonly dataDir: string
  readonly listen: string
  port(name: string): number
  /** `host:port` at which a test reaches a port of this member. */
  fromHost(port: string): string
  /** `host:port` at which the other members reach a port of `member`. */
  fromPeers(port: string, member: string): string
}

/** One kind of server: what differs between etcd, ZooKeeper and Consul. */
export interface ServerSpec {
  readonly backend: Backend
  /** The port that clients use: one of {@link ports}. */
  readonly clientPort: string
  /** Port by name, as inside a container. A process gets free ones. */
  readonly ports: Readonly<Record<string, number>>
  /** What a container runs; empty leaves it to the image's entrypoint. */
  readonly containerCommand: readonly string[]
  /** Whether {@link LaunchOptions.tls} is understood. */
  readonly tls: boolean
  args(member: Member, options: LaunchOptions): string[]
  env?(member: Member): Record<string, string>
  /** Files to write before each start, by absolute path. */
  files?(member: Member, options: LaunchOptions): Record<string, string>
  ready(endpoints: Readonly<Record<string, string>>): Promise<boolean>
}
