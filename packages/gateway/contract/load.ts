import { Child, pace } from '@sd/calling-tests'

/** The options of a load process. */
export interface LoadOptions {
  /** The gateway's port. */
  readonly port: number
  /** Callers at once: half of those of HTTP post. */
  readonly http: number
  readonly webSockets: number
  readonly grpc: number
}

/** What the load process has done and what failed. */
export interface LoadReport {
  readonly http: number
  /** Messages that came back over WebSockets, and connections that were told to go. */
  readonly messages: number
  readonly told: number
  readonly grpc: number
  readonly failed: readonly string[]
}

/** Starts a process that calls the gateway until it is asked to `end`. */
export const startLoad = (options: LoadOptions): Promise<Child> =>
  Child.start(new URL('load-process.ts', import.meta.url), { ...options, ...pace })
