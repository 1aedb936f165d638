import type { Random } from './random.ts'

/**
 * Every rule of time that core follows, in one place. All durations are milliseconds; `ttlMs` is the
 * granted ttl, as servers clamp what is asked for.
 */

/** Longest delay that Node's timers keep; a longer one would fire at once. */
export const maxTimerMs: number = 2 ** 31 - 1

/** `ms`, up to `share` of it more or less, so that many processes do not act in step. */
const around = (ms: number, share: number, random: Random): number =>
  ms * (1 - share + 2 * share * random.next())

/** From one heartbeat that was answered to the next. */
export const heartbeatIntervalMs = (ttlMs: number, random: Random): number =>
  around(ttlMs / 4, 0.1, random)

/** Longest delay before a heartbeat that failed at once is repeated. */
export const heartbeatRetryMs = (ttlMs: number): number => Math.max(1, ttlMs / 24)

/** From one probe that was answered to the next. */
export const probeIntervalMs = (ttlMs: number, random: Random): number =>
  around(ttlMs / 6, 0.1, random)

/**
 * How long a heartbeat or a probe may go unanswered before it counts as missed: twice the round trips
 * measured lately, at least ttl/6 and at most ttl/3.
 */
export const patienceMs = (ttlMs: number, roundTripMs: number): number =>
  Math.min(ttlMs / 3, Math.max(ttlMs / 6, 2 * roundTripMs))

/** After this long without an answer a heartbeat or a probe is given up: its driver is told. */
export const abandonMs = (ttlMs: number): number => ttlMs / 3

/** A silence longer than this is a sign of trouble: a server that was frozen may have dropped leases. */
export const silenceMs = (ttlMs: number, roundTripMs: number): number =>
  ttlMs / 3 + Math.min(roundTripMs, ttlMs / 3)

/** From one audit to the next: within a ttl, as the jitter only makes it earlier. */
export const auditIntervalMs = (ttlMs: number, random: Random): number =>
  ttlMs * (0.7 + 0.2 * random.next())

/** From an audit that the backend did not answer to the next. */
export const auditRetryMs = (ttlMs: number): number => ttlMs / 4

/** A watch must deliver something, or make progress, within this. */
export const attachLimitMs = (callTimeoutMs: number): number => 2 * callTimeoutMs

/** Added to ttl and backoff cap to make the shortest hold: what a re-register itself takes. */
const holdSlackMs = 2_000

/** What an owner may need to come back: a ttl to notice, the longest backoff, and the writing. */
export const returnMs = (ttlMs: number, backoffCapMs: number): number =>
  ttlMs + backoffCapMs + holdSlackMs

/**
 * How long a removal inside the recovery window waits to be judged together with the next ones. What
 * expires at once arrives one by one where every instance has an expiry of its own.
 */
export const settleMs = 500

/** Holds end on this grid, so that thousands of them end in few steps. */
export const holdGridMs = 50

/**
 * How long a removal is held: what its owner may need to come back, by the ttl in its record, at
 * least `holdMs` and, as anybody can write any ttl, at most `maxHoldMs`.
 */
export const holdMs = (
  ownerTtlMs: number,
  backoffCapMs: number,
  limits: { readonly holdMs: number; readonly maxHoldMs: number },
): number => Math.max(limits.holdMs, Math.min(returnMs(ownerTtlMs, backoffCapMs), limits.maxHoldMs))

/**
 * Two owners whose calls are further apart than this are ordered by their wall clocks, even if
 * neither could write: clocks that follow NTP differ by less.
 */
export const clockToleranceMs = 1_000

/** Bounds of the delays between attempts. */
export interface BackoffOptions {
  /** Upper bound of the first delay, in milliseconds. Default 100. */
  readonly minMs: number
  /** Upper bound of every delay, in milliseconds. Default 5,000. */
  readonly maxMs: number
}

/**
 * The delay after `failures` failures in a row: exponential with full jitter, so that a fleet that
 * lost one server does not come back in step
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 */
export const retryDelayMs = (bounds: BackoffOptions, failures: number, random: Random): number =>
  random.next() * Math.min(bounds.maxMs, bounds.minMs * 2 ** Math.min(failures, 30))

/** The delay after a refusal that only people can change: near the cap, and never in step. */
export const denialDelayMs = ({ maxMs }: BackoffOptions, random: Random): number =>
  maxMs * (0.75 + 0.25 * random.next())
