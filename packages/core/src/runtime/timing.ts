import type { Random } from './random.ts'

/**
 * All timing rules of core, in one place. All durations are milliseconds. `ttlMs` is the granted
 * ttl, as servers may clamp the requested one.
 */

/** The longest delay that Node's timers support; a longer one fires at once. */
export const maxTimerMs: number = 2 ** 31 - 1

/** `ms` with a jitter of ± `share`, so that many processes do not act in step. */
const around = (ms: number, share: number, random: Random): number =>
  ms * (1 - share + 2 * share * random.next())

/** The interval from one answered heartbeat to the next. */
export const heartbeatIntervalMs = (ttlMs: number, random: Random): number =>
  around(ttlMs / 4, 0.1, random)

/** The longest delay before a heartbeat that failed at once is repeated. */
export const heartbeatRetryMs = (ttlMs: number): number => Math.max(1, ttlMs / 24)

/**
 * After this long without a sign of life a worker thread renews a session in place of the event loop:
 * longer than the longest `heartbeatIntervalMs`, with two thirds of the ttl left.
 */
export const takeOverMs = (ttlMs: number): number => ttlMs / 3

/** The interval of the signs of life of a session that a worker thread would take from the event loop. */
export const signOfLifeIntervalMs = (ttlMs: number): number => ttlMs / 6

/** The longest block of an event loop that a worker thread bridges, where nothing else is configured. */
export const defaultMaxBlockMs = (ttlMs: number): number => 3 * ttlMs

/** The interval from one answered probe to the next. */
export const probeIntervalMs = (ttlMs: number, random: Random): number =>
  around(ttlMs / 6, 0.1, random)

/**
 * How long a heartbeat or a probe may go unanswered before it counts as missed: twice the recently
 * measured round trip, at least ttl/6 and at most ttl/3.
 */
export const patienceMs = (ttlMs: number, roundTripMs: number): number =>
  Math.min(ttlMs / 3, Math.max(ttlMs / 6, 2 * roundTripMs))

/** After this long without an answer a heartbeat or a probe is given up and its signal aborts. */
export const abandonMs = (ttlMs: number): number => ttlMs / 3

/** A longer silence is a sign of trouble: a server that was frozen may have dropped leases. */
export const silenceMs = (ttlMs: number, roundTripMs: number): number =>
  ttlMs / 3 + Math.min(roundTripMs, ttlMs / 3)

/** The interval from one audit to the next: below the ttl, including jitter. */
export const auditIntervalMs = (ttlMs: number, random: Random): number =>
  ttlMs * (0.7 + 0.2 * random.next())

/** The interval from an unanswered audit to the next. */
export const auditRetryMs = (ttlMs: number): number => ttlMs / 4

/**
 * The interval from the begin of one run of a health check to the begin of the next. Never longer than
 * asked for, as users derive from it how soon a failure is noticed.
 */
export const checkIntervalMs = (intervalMs: number, random: Random): number =>
  intervalMs * (0.9 + 0.1 * random.next())

/** A new watch must deliver something, or make progress, within this time. */
export const attachLimitMs = (callTimeoutMs: number): number => 2 * callTimeoutMs

/** Added to ttl and backoff cap for the shortest hold: the time to register again. */
const holdSlackMs = 2_000

/** How long an owner may take to come back: a ttl to notice, the longest backoff, and the write. */
export const returnMs = (ttlMs: number, backoffCapMs: number): number =>
  ttlMs + backoffCapMs + holdSlackMs

/**
 * How long a removal inside the recovery window waits to be judged together with the next ones.
 * Where every instance has its own expiry, simultaneous expirations arrive one by one.
 */
export const settleMs = 500

/** Hold ends are rounded to this interval, so that thousands of holds end in few steps. */
export const holdGridMs = 50

/**
 * How long a removal is held: the time its owner may take to come back, by the ttl in its record.
 * At least `holdMs` and, as any writer can store any ttl, at most `maxHoldMs`.
 */
export const holdMs = (
  ownerTtlMs: number,
  backoffCapMs: number,
  limits: { readonly holdMs: number; readonly maxHoldMs: number },
): number => Math.max(limits.holdMs, Math.min(returnMs(ownerTtlMs, backoffCapMs), limits.maxHoldMs))

/**
 * Calls of two owners that are further apart than this are ordered by wall clock, even if neither
 * could write: clocks synchronised by NTP differ by less.
 */
export const clockToleranceMs = 1_000

/** Bounds of the delays between retries. */
export interface BackoffOptions {
  /** Upper bound of the first delay, in milliseconds. Default 100. */
  readonly minMs: number
  /** Upper bound of every delay, in milliseconds. Default 5,000. */
  readonly maxMs: number
}

/**
 * The delay after `failures` consecutive failures: exponential with full jitter, so that clients
 * that lost the same server do not retry in step
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 */
export const retryDelayMs = (bounds: BackoffOptions, failures: number, random: Random): number =>
  random.next() * Math.min(bounds.maxMs, bounds.minMs * 2 ** Math.min(failures, 30))

/** The delay after a failure that only an operator can fix: near the cap, with jitter. */
export const denialDelayMs = ({ maxMs }: BackoffOptions, random: Random): number =>
  maxMs * (0.75 + 0.25 * random.next())
