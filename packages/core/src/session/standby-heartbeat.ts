import { RegistryError } from '../registry-error.ts'
import { type CallSubject, sleep } from '../runtime/abort.ts'
import { Backoff } from '../runtime/backoff.ts'
import type { Clock } from '../runtime/clock.ts'
import { Pulse } from '../runtime/pulse.ts'
import type { Random } from '../runtime/random.ts'
import { heartbeatIntervalMs, heartbeatRetryMs, takeOverMs } from '../runtime/timing.ts'
import type { HeartbeatTimes } from './heartbeat-times.ts'

/** What `standbyHeartbeat` works on. */
export interface StandbyParts {
  readonly clock: Clock
  readonly random: Random
  /** Names a renewal in errors. */
  readonly subject: CallSubject
  /** The granted ttl of the session. */
  readonly ttlMs: number
  /** The longest silence of the event loop that is bridged. */
  readonly maxBlockMs: number
  readonly times: Pick<HeartbeatTimes, 'signOfLifeMs' | 'renewedMs' | 'renewed'>
  /** Renews the session once. Throws `session-lost` when the backend no longer knows it. */
  readonly renew: (signal: AbortSignal) => Promise<void>
  /** Whether a renewal takes the session from the connection of the event loop. */
  readonly takesSession: boolean
  /** Two renewals in a row failed; called again only after one that was acknowledged. */
  readonly troubled: (cause: RegistryError) => void
  /** Ends it. */
  readonly signal: AbortSignal
}

/**
 * Renews a session in place of an event loop that is blocked. It renews once when it begins, so that
 * its connection is open when it is needed, unless that takes the session; and then only while the
 * loop has given no sign of life for `takeOverMs`, and for no longer than `maxBlockMs`. It never renews a session whose ttl has passed
 * since its last acknowledged renewal: the loop has replaced it, or will. Ends when the backend no
 * longer knows the session, which the loop learns with its own next heartbeat; rejects when `signal`
 * aborts.
 */
export const standbyHeartbeat = async (parts: StandbyParts): Promise<void> => {
  const {
    clock,
    random,
    subject,
    ttlMs,
    maxBlockMs,
    times,
    renew,
    takesSession,
    troubled,
    signal,
  } = parts
  const pulse = new Pulse({
    clock,
    ttlMs,
    subject,
    signal,
    send: renew,
    answered: (sentMs) => times.renewed(sentMs),
  })
  const maxMs = heartbeatRetryMs(ttlMs)
  const backoff = new Backoff({ minMs: Math.min(10, maxMs), maxMs }, clock, random)
  let isTried = takesSession
  let failures = 0
  let waitMs = 0
  for (;;) {
    await sleep(clock, waitMs, signal)
    const sentMs = clock.monotonicMs()
    const silentMs = sentMs - times.signOfLifeMs
    const leftMs = times.renewedMs + ttlMs - sentMs
    const standbyMs = takeOverMs(ttlMs)
    if (silentMs >= maxBlockMs || leftMs <= 0) {
      // only the loop can renew it now, or replace it
      waitMs = standbyMs
      continue
    }
    if (isTried && silentMs < standbyMs) {
      waitMs = standbyMs - silentMs
      continue
    }
    try {
      await pulse.attempt(leftMs)
      backoff.succeeded()
      isTried = true
      failures = 0
      waitMs = Math.max(0, heartbeatIntervalMs(ttlMs, random) - (clock.monotonicMs() - sentMs))
    } catch (thrown) {
      signal.throwIfAborted()
      const cause = RegistryError.from(thrown, subject)
      if (cause.code === 'session-lost') return
      waitMs = clock.monotonicMs() - sentMs >= maxMs ? 0 : backoff.nextDelayMs()
      failures += 1
      if (failures === 2) troubled(cause)
    }
  }
}
