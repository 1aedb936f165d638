import type { Server } from '@sd/contract-tests/servers'
import type { Backup, FactoryPlace } from '@sd/contract-tests/world'
import type { Fault, FaultName } from '../schedule/round.ts'
import type { Link } from '../timeline/timeline-event.ts'

/** What the guarantees state about one backend, in milliseconds. */
interface BackendBounds {
  readonly graceMs: number
  readonly restartLimitMs: number
  readonly lateWriteMs: number
  readonly deadWatchMs: number
  readonly restoredMs: number
}

/** A fault of a link. */
export type LinkFault = Extract<Fault, { link: Link }>

/** A backend for a run: its server, and two links to it. */
export interface ChaosBackend extends AsyncDisposable {
  /** `etcd 3.5.16 as a process`. */
  readonly description: string
  /** The faults that it can have. */
  readonly faults: ReadonlySet<FaultName>
  boundsFor(ttlMs: number): BackendBounds
  /** How a client process reaches it, over a link or, for the run itself, directly. */
  place(over: Link | 'direct', namespace: string): FactoryPlace
  /** All members at once. */
  readonly server: {
    stop(how: 'term' | 'kill'): Promise<void>
    /** Resolves when it serves. */
    start(): Promise<void>
    /** Deletes the data of the stopped server. */
    wipe(): Promise<void>
    pause(): Promise<void>
    resume(): Promise<void>
  }
  /** The members of a cluster, or the only server; none where there is no server. */
  readonly members: readonly Server[]
  /** The member that leads; needed for the fault `kill-leader`. */
  leader?(): Promise<Server>
  /**
   * Saves the contents; `restore` replaces them and resolves when the server serves again. Resolves
   * to `undefined` where there is nothing to save.
   */
  backUp?(): Promise<Backup | undefined>
  /** Drops the history that watchers resume from. */
  compact?(): Promise<void>
  /** Ends the session of another process. */
  expireSession(sessionId: string): Promise<void>
  /** Begins a fault of a link. */
  disturb(fault: LinkFault): Promise<void>
  /** Ends every fault of a link. */
  heal(link: Link): Promise<void>
}
