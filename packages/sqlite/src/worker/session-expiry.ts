import { bootOf, type ProcessIdentity } from './process-identity.ts'

/** A stored session. */
export interface StoredSession extends ProcessIdentity {
  readonly id: string
  readonly ttlMs: number
  /** Time on the machine's monotonic clock, which all processes of one boot share. */
  readonly renewedMs: number
  /** Time on the wall clock. */
  readonly renewedAtMs: number
}

/** One moment, on both clocks. */
export interface Moment {
  readonly monotonicMs: number
  readonly wallMs: number
}

/**
 * The time since the session was renewed. The monotonic clock decides, so that a step of the wall
 * clock ends no session. The wall clock is used only where the system has no boot id. A session of
 * another boot has outlived its process.
 */
export const silenceMs = (
  session: Pick<StoredSession, 'boot' | 'renewedMs' | 'renewedAtMs'>,
  boot: string | null,
  now: Moment,
): number => {
  if (boot !== null && session.boot === boot) return now.monotonicMs - session.renewedMs
  const [theirs, ours] = [bootOf(session), bootOf({ boot })]
  const outlived = theirs !== null && ours !== null && theirs !== ours
  return outlived ? Number.POSITIVE_INFINITY : now.wallMs - session.renewedAtMs
}

/** Shorter waits are normal between processes that write. */
const leastStallMs = 250

/**
 * Estimates how long no process could write: this process tried for `waitedMs` without success, and
 * the most recent renewal of any session was `sinceLastRenewalMs` ago. Sessions are extended by
 * that time, because their owners could not renew them.
 */
export const stallMs = (waitedMs: number, sinceLastRenewalMs: number): number => {
  const stalled = Math.min(waitedMs, sinceLastRenewalMs)
  return Number.isFinite(stalled) && stalled >= leastStallMs ? Math.floor(stalled) : 0
}
