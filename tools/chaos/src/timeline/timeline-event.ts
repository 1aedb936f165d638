/** One of the two links by which client processes reach the backend; each has its own faults. */
export type Link = 'a' | 'b'

/** Both links: a fault of the server reaches every process. */
export const links: readonly Link[] = ['a', 'b']

/** The name under which the run itself lists, directly. */
export const reader = 'reader'

/** What a watcher follows: one service, every instance, or the names of the services. */
export type WatchedScope = { readonly service: string } | 'all' | 'services'

/** The fields of an instance that the checker compares. `handle` names the `register` call. */
export interface SeenInstance {
  readonly service: string
  readonly id: string
  readonly handle: number
  readonly weight: number
}

/** One change that a watcher was told. A change of a service's name has the id ''. */
export interface ToldChange extends SeenInstance {
  readonly type: 'added' | 'updated' | 'removed'
  /** The previous state, of an update. */
  readonly previous?: SeenInstance
}

/** The kinds of faults. */
export type FaultKind =
  | 'kill-server'
  | 'stop-server'
  | 'wipe'
  | 'freeze'
  | 'backup'
  | 'restore'
  | 'compact'
  | 'expire-session'
  | 'reset'
  | 'partition'
  | 'one-way'
  | 'slow'
  | 'stall'
  | 'flaky'
  | 'hang-writes'
  | 'kill-leader'
  | 'freeze-member'

/** A registration as its own process sees it. */
interface ReportedRegistration {
  readonly handle: number
  readonly state: string
  readonly cause?: string
}

/** A watcher as its own process sees it. */
export interface ReportedWatcher {
  readonly watcher: string
  readonly scope: WatchedScope
  /** The view; of a watcher of names the services, with empty ids. */
  readonly view: readonly SeenInstance[]
  readonly stale?: string
  readonly held: number
}

/** The state of one process. */
export interface ReportedProcess {
  readonly process: string
  readonly registrations: readonly ReportedRegistration[]
  readonly watchers: readonly ReportedWatcher[]
  readonly pendingRemovals: number
  /** The id of its session, while it has a live one. */
  readonly sessionId?: string
}

/** An event in which something happens to a process. */
interface OfProcess {
  readonly process: string
}

/** What happens, without its time. */
export type Happening =
  | {
      readonly type: 'fault-began'
      readonly fault: FaultKind
      readonly number: number
      /** The links that it reaches. */
      readonly links: readonly Link[]
      /** The process whose session expires. */
      readonly process?: string
      readonly detail?: string
    }
  | { readonly type: 'fault-ended'; readonly number: number; readonly failure?: string }
  | ({ readonly type: 'process-began'; readonly link: Link } & OfProcess)
  | ({
      /** `process-leaving`: it is asked to close its registry; `process-closing`: it begins to. */
      readonly type:
        | 'process-killed'
        | 'process-paused'
        | 'process-resumed'
        | 'process-leaving'
        | 'process-closing'
    } & OfProcess)
  | ({ readonly type: 'process-ended'; readonly how: string; readonly stderr: string } & OfProcess)
  | ({
      readonly type: 'registering'
      readonly handle: number
      readonly service: string
      readonly id: string
      readonly weight: number
      readonly onConflict: 'takeover' | 'reject'
      readonly waitFor: 'registered' | 'accepted'
    } & OfProcess)
  | ({ readonly type: 'updating'; readonly handle: number; readonly weight: number } & OfProcess)
  | ({ readonly type: 'deregistering'; readonly handle: number } & OfProcess)
  | ({
      /** `ending`: `resolved`, or the code of the error. `weight`: of an update. */
      readonly type: 'register-ended' | 'update-ended' | 'deregister-ended'
      readonly handle: number
      readonly weight?: number
      readonly ending: string
    } & OfProcess)
  | ({ readonly type: 'status' } & ReportedRegistration & OfProcess)
  | ({
      readonly type: 'watching'
      readonly watcher: string
      readonly scope: WatchedScope
    } & OfProcess)
  | ({
      /** `cause`: the failure that ended it, or the error of a stale view. */
      readonly type: 'watch-ended'
      readonly watcher: string
      readonly cause?: string
    } & OfProcess)
  | ({
      readonly type: 'told'
      readonly watcher: string
      readonly event: 'sync' | 'change' | 'stale'
      readonly changes: readonly ToldChange[]
      readonly cause?: string
    } & OfProcess)
  | ({
      readonly type: 'listed'
      readonly service: string
      readonly startedMs: number
      readonly ending: string
      readonly instances: readonly SeenInstance[]
    } & OfProcess)
  | {
      /** The run itself has written in a namespace of its own: how fast the backend is. */
      readonly type: 'wrote'
      readonly startedMs: number
    }
  | ({
      readonly type: 'used'
      /** The time that this and the next two fields cover. */
      readonly overMs: number
      readonly cpuMs: number
      readonly calls: Readonly<Record<string, number>>
    } & OfProcess)
  | ({
      /** The event loop did not run from `sinceMs` to the event's time. */
      readonly type: 'lagged'
      readonly sinceMs: number
    } & OfProcess)
  | { readonly type: 'quiet-began' | 'quiet-ended'; readonly round: number }
  | {
      readonly type: 'snapshot'
      readonly startedMs: number
      /** What the backend lists; undefined where `list` failed. */
      readonly listed: readonly SeenInstance[] | undefined
      readonly failure?: string
      readonly processes: readonly ReportedProcess[]
    }

/** One event of a run, `atMs` milliseconds after its start, by the machine's monotonic clock. */
export type TimelineEvent = Happening & { readonly atMs: number }

/** An event of one type. */
export type EventOf<Type extends TimelineEvent['type']> = Extract<TimelineEvent, { type: Type }>

/** The name by which an instance or a service is shown and looked up. */
export const keyOf = ({ service, id }: { service: string; id: string }): string =>
  id === '' ? service : `${service}/${id}`
