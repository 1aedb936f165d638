import type { Link, WatchedScope } from '../timeline/timeline-event.ts'

/** The places of owner processes; each is filled anew when its process has ended. */
export const owners = ['owner-1', 'owner-2', 'owner-3'] as const
/** The places of watcher processes. */
export const watchers = ['watcher-1', 'watcher-2'] as const

/** The place of a client process. */
export type Place = (typeof owners)[number] | (typeof watchers)[number]

/** The services of a run. */
export const services = ['orders', 'users'] as const

/** Something that a user does, or that happens to a process. */
export type Action =
  | {
      readonly kind: 'register'
      readonly place: Place
      readonly service: string
      readonly id: string
      readonly onConflict: 'takeover' | 'reject'
      readonly waitFor: 'registered' | 'accepted'
    }
  | {
      readonly kind: 'update' | 'deregister'
      readonly place: Place
      /** Selects one of the registrations that the process holds. */
      readonly which: number
    }
  | { readonly kind: 'watch'; readonly place: Place; readonly scope: WatchedScope }
  | { readonly kind: 'unwatch'; readonly place: Place }
  | { readonly kind: 'list'; readonly place: Place; readonly service: string }
  | { readonly kind: 'leave' | 'kill'; readonly place: Place }
  | { readonly kind: 'pause'; readonly place: Place; readonly forMs: number }

/** A fault of the server or of a link. Those of the server follow one another. */
export type Fault =
  | {
      readonly kind: 'kill-server' | 'stop-server' | 'wipe' | 'freeze' | 'kill-leader'
      readonly forMs: number
    }
  | {
      readonly kind: 'freeze-member'
      readonly forMs: number
      /** Selects one of the members. */
      readonly which: number
    }
  | { readonly kind: 'backup' | 'restore' | 'compact' }
  | { readonly kind: 'expire-session'; readonly place: Place }
  | { readonly kind: 'reset'; readonly link: Link }
  | { readonly kind: 'partition' | 'stall'; readonly link: Link; readonly forMs: number }
  | {
      readonly kind: 'one-way'
      readonly link: Link
      readonly forMs: number
      /** Whose bytes are lost. */
      readonly from: 'client' | 'server'
    }
  | {
      readonly kind: 'slow'
      readonly link: Link
      readonly forMs: number
      readonly delayMs: number
    }
  | {
      readonly kind: 'flaky' | 'hang-writes'
      readonly link: Link
      readonly forMs: number
      readonly bytes: number
    }

/** The kinds of faults that a backend may lack. */
export type FaultName = Fault['kind']

/** One entry of a round, `afterMs` after its beginning. */
export interface Step {
  readonly afterMs: number
  readonly what: Action | Fault
}

/** Some seconds of actions and faults, after which all faults end and everything must settle. */
export interface Round {
  readonly number: number
  readonly weather: Weather
  readonly steps: readonly Step[]
}

/**
 * What kind of faults a round has: none; short ones that nobody may notice; long ones; those that
 * lose data; or all together.
 */
export type Weather = 'calm' | 'short' | 'long' | 'lossy' | 'mixed'
