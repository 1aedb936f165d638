/**
 * How to end a server: `term` (SIGTERM, it can shut down cleanly) or `kill` (SIGKILL, it cannot).
 */
export type StopSignal = 'term' | 'kill'

/** One real server. Its endpoints never change, whatever operations are applied. */
export interface Server extends AsyncDisposable {
  /** Its member name within the cluster: `n1`. */
  readonly name: string
  /** The version of its spec, `3.5.16`; `unknown` if the spec has none. */
  readonly version: string
  /** Host-reachable `127.0.0.1:port` by port name: `endpoints.client`. */
  readonly endpoints: Readonly<Record<string, string>>
  /** The folder of its data, if it is a process of this machine. */
  readonly dataDir?: string
  /** Starts it (again) and resolves once it serves. Data of earlier runs is kept. */
  start(): Promise<void>
  /**
   * Resolves once the server has ended. A paused one is resumed first, a stopped one stays stopped.
   */
  stop(signal?: StopSignal): Promise<void>
  /** {@link stop}, then {@link start}. */
  restart(signal?: StopSignal): Promise<void>
  /** Deletes the data of a stopped server: its next start is empty, on the same ports. */
  wipe(): Promise<void>
  /** Freezes it: connections stay open and the port accepts, but nothing answers. */
  pause(): Promise<void>
  /** Ends {@link pause}. */
  resume(): Promise<void>
  /** The server's log so far. */
  logs(): Promise<string>
}

/** Servers that form one service. Each operation applies to all of them at once. */
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

/** A server that starts in two steps, as a member is not ready before the others run. */
export interface LaunchedServer extends Server {
  /** Starts it without waiting. */
  launch(): Promise<void>
  /** Resolves once it serves. */
  ready(): Promise<void>
}
