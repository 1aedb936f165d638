import type { Server, ServerSpec } from './server.ts'

/** What every kind of place needs to know about the cluster it is opened for. */
export interface SiteOptions {
  readonly spec: ServerSpec
  readonly members: readonly string[]
  readonly version: string
  /** The host's port that was chosen for a member's port. */
  hostPort(member: string, port: string): number
}

/** A server whose start is in two steps, as a member is not ready before the others run. */
export interface LaunchedServer extends Server {
  /** Starts it and does not wait. */
  launch(): Promise<void>
  /** Resolves once it serves. */
  ready(): Promise<void>
}

/** Where the members of one cluster live: a network of containers, or a folder of processes. */
export interface Site {
  /** The member, not started yet. */
  server(name: string): LaunchedServer
  /** Removes what the members shared; they are gone by then. */
  close(): Promise<void>
}
