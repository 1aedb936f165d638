import type { ConflictRule } from '../../../src/registration/desired-registration.ts'

/** Where an instance is registered: an index into `places`. */
export type Place = number

/** The ids that processes compete for. */
export const places: readonly { readonly service: string; readonly id: string }[] = [
  { service: 'a', id: '1' },
  { service: 'a', id: '2' },
  { service: 'a', id: '3' },
  { service: 'a', id: '4' },
  { service: 'b', id: '1' },
  { service: 'b', id: '2' },
]

/** What a watcher follows. */
export type WatchScope = 'a' | 'b' | 'all' | 'services'

interface OfProcess {
  readonly process: number
}
interface Lasting {
  readonly forMs: number
}

/** An action of a user. */
export type Action =
  | (OfProcess & {
      readonly kind: 'register'
      readonly place: Place
      readonly onConflict: ConflictRule
      readonly waitFor: 'registered' | 'accepted'
      readonly abortAfterMs?: number
    })
  | (OfProcess & { readonly kind: 'update' | 'deregister'; readonly place: Place })
  | (OfProcess & {
      readonly kind: 'watch'
      readonly scope: WatchScope
      /** The pause of a reader between two reads. */
      readonly everyMs: number
    })
  | (OfProcess & { readonly kind: 'unwatch' | 'list' })
  | (OfProcess & {
      /** Iterates, and leaves the iteration while it waits. */
      readonly kind: 'leave'
      readonly scope: WatchScope
      readonly afterMs: number
    })
  | (OfProcess & {
      readonly kind: 'close'
      /** Delays the action until that many microtask turns after the next reply to `operation`. */
      readonly afterReply?: { readonly operation: string; readonly turns: number }
    })

/** A fault. */
export type Fault =
  | (OfProcess & Lasting & { readonly kind: 'partition'; readonly mode: 'silent' | 'refused' })
  | (OfProcess &
      Lasting & {
        readonly kind: 'weather'
        readonly minDelayMs: number
        readonly maxDelayMs: number
        readonly lostRequests: number
        readonly lostReplies: number
        readonly stragglers: number
      })
  | (OfProcess & Lasting & { readonly kind: 'pause' })
  | (OfProcess & { readonly kind: 'cut' | 'crash' | 'revoke' })
  | (Lasting & { readonly kind: 'freeze' })
  | (Lasting & { readonly kind: 'restart' | 'wipe' | 'restore' })
  | (Lasting & { readonly kind: 'deny'; readonly place: Place })
  | (Lasting & { readonly kind: 'deny-service'; readonly service: 'a' | 'b' })
  | { readonly kind: 'compact' | 'back-up' }
  | { readonly kind: 'delete' | 'garbage' | 'edit' | 'foreign'; readonly place: Place }

/** One entry of a schedule. */
export type Operation = { readonly atMs: number } & (Action | Fault)

/** One readable line. */
export const showOperation = ({ atMs, kind, ...rest }: Operation): string => {
  const details = Object.entries(rest).map(([name, value]) => {
    if (name !== 'place') return `${name}=${JSON.stringify(value)}`
    const place = places[value as number]
    return `${place?.service}/${place?.id}`
  })
  return `${String(Math.round(atMs)).padStart(6)} ms  ${kind.padEnd(10)} ${details.join(' ')}`
}
