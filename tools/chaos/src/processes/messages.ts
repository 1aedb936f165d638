import type { FactoryPlace } from '@sd/contract-tests/world'
import type {
  Happening,
  ReportedProcess,
  TimelineEvent,
  WatchedScope,
} from '../timeline/timeline-event.ts'

/** What a client process needs to begin, as JSON in its first argument. */
export interface ClientOptions {
  readonly process: string
  readonly place: FactoryPlace
  /** A module with an export `wrap`, which wraps the driver's factory: for planted faults. */
  readonly wrapModule?: string
  readonly ttlMs: number
  readonly callTimeoutMs: number
  readonly closeTimeoutMs: number
  readonly backoff: { readonly minMs: number; readonly maxMs: number }
  /** The start of the run by the machine's monotonic clock. */
  readonly originMs: number
}

/** One line to a client process. */
export type Order =
  | {
      readonly order: 'register'
      readonly handle: number
      readonly service: string
      readonly id: string
      readonly weight: number
      readonly onConflict: 'takeover' | 'reject'
      readonly waitFor: 'registered' | 'accepted'
    }
  | { readonly order: 'update'; readonly handle: number; readonly weight: number }
  | { readonly order: 'deregister'; readonly handle: number }
  | { readonly order: 'watch'; readonly watcher: string; readonly scope: WatchedScope }
  | { readonly order: 'unwatch'; readonly watcher: string }
  | { readonly order: 'list'; readonly service: string }
  | { readonly order: 'state'; readonly number: number }
  | { readonly order: 'leave' }

/** One line from a client process: an event of its own, or the answer to the order `state`. */
export type Message =
  | { readonly event: TimelineEvent }
  | { readonly number: number; readonly state: Omit<ReportedProcess, 'process'> }

/** An event as a process reports it; its name and the time are added. */
export type OwnHappening = DistributiveOmit<
  Extract<Happening, { process: string; type: string }>,
  'process'
>

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never
