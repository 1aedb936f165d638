/** How a server ends: asked (SIGTERM, it may say goodbye) or killed (SIGKILL, it may not). */
export type StopSignal = 'term' | 'kill'

/** One real server. Its endpoints never change over its life, whatever is done to it. */
export interface Server extends AsyncDisposable {
  /** Its member name within the cluster: `n1`. */
  readonly name: string
  /** The version that its spec states, `3.5.16`; `unknown` where the spec states none. */
  readonly version: string
  /** Host-reachable `127.0.0.1:port` by port name: `endpoints.client`. */
  readonly endpoints: Readonly<Record<string, string>>
  /** The folder of its data, where it is a process of this machine. */
  readonly dataDir?: string
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
  /** The version of its servers, as {@link Server.version}. */
  readonly version: string
  readonly servers: readonly Server[]
  /** Starts every member at once (a quorum is needed before any of them is ready). */
  start(): Promise<void>
  /** Stops every member. */
  stop(signal?: StopSignal): Promise<void>
  /** Deletes the data of every member; all of them must be stopped. */
  wipe(): Promise<void>
}

/** A server whose start is in two steps, as a member is not ready before the others run. */
export interface LaunchedServer extends Server {
  /** Starts it and does not wait. */
  launch(): Promise<void>
  /** Resolves once it serves. */
  ready(): Promise<void>
}
