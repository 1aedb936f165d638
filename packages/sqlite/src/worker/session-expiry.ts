import type { ProcessIdentity } from './process-identity.ts'

/** A session as the file keeps it. */
export interface StoredSession extends ProcessIdentity {
  readonly id: string
  readonly ttlMs: number
  /** On the machine's monotonic clock, which all processes of one boot share. */
  readonly renewedMs: number
  /** On the wall clock. */
  readonly renewedAtMs: number
}

/** One moment, on both clocks. */
export interface Moment {
  readonly monotonicMs: number
  readonly wallMs: number
}

/**
 * How long ago the session was renewed. The monotonic clock decides, so that a step of the wall
 * clock ends no session; the wall clock only where the system names no boot. A session of another boot
 * has outlived its process.
 */
export const silenceMs = (
  session: Pick<StoredSession, 'boot' | 'renewedMs' | 'renewedAtMs'>,
  boot: string | null,
  now: Moment,
): number => {
  if (boot !== null && session.boot === boot) return now.monotonicMs - session.renewedMs
  const [theirs, ours] = [session.boot, boot].map((text) => text?.split(' ')[0])
  const outlived = theirs !== undefined && ours !== undefined && theirs !== ours
  return outlived ? Number.POSITIVE_INFINITY : now.wallMs - session.renewedAtMs
}

/** Shorter waits are everyday business between processes that write. */
const leastStallMs = 250

/**
 * For how long nobody could write, as far as this process can tell: it tried for `waitedMs` in
 * vain, and the last to succeed renewed its session `sinceLastRenewalMs` ago. That time counts
 * against no session, as its owner had no chance.
 */
export const stallMs = (waitedMs: number, sinceLastRenewalMs: number): number => {
  const stalled = Math.min(waitedMs, sinceLastRenewalMs)
  return Number.isFinite(stalled) && stalled >= leastStallMs ? Math.floor(stalled) : 0
}
