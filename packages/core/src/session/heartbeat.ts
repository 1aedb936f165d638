import type { DriverSession } from '../driver/registry-driver.ts'
import { RegistryError } from '../registry-error.ts'
import { sleep } from '../runtime/abort.ts'
import { Backoff } from '../runtime/backoff.ts'
import { Pulse } from '../runtime/pulse.ts'
import { heartbeatIntervalMs, heartbeatRetryMs } from '../runtime/timing.ts'
import { type CallContext, callSubject } from '../driver/call-context.ts'

/** Receives the results of a running heartbeat. */
export interface HeartbeatListener {
  /** A beat was answered. */
  renewed(): void
  /** One attempt failed or was missed; the session may still be alive. */
  troubled(cause: RegistryError): void
}

const lostMessage = (ttlMs: number): string =>
  `no heartbeat was acknowledged for the ttl of ${ttlMs} ms, so the backend may have dropped the session`

/** Why a session counts as lost. `told`: the backend reported it; otherwise it is only assumed. */
export interface SessionLoss {
  readonly cause: RegistryError
  readonly told: boolean
}

/**
 * Renews a session while it is alive, and returns why it counts as lost. Liveness counts from the
 * send time of the last acknowledged beat, as the server restarts the ttl no earlier than that. A
 * beat that is answered late also counts from its send time.
 */
export const heartbeat = async (
  context: CallContext,
  session: DriverSession,
  openedAtMs: number,
  listener: HeartbeatListener,
  signal: AbortSignal,
): Promise<SessionLoss> => {
  const { clock, random } = context
  const ttlMs = session.grantedTtlMs
  const subject = callSubject(context, 'renew')
  let acknowledgedSentMs = openedAtMs
  const pulse = new Pulse({
    clock,
    ttlMs,
    subject,
    signal,
    send: (bounded) => session.renew(bounded),
    answered: (sentMs) => {
      acknowledgedSentMs = Math.max(acknowledgedSentMs, sentMs)
      listener.renewed()
    },
  })
  const maxMs = heartbeatRetryMs(ttlMs)
  const backoff = new Backoff({ minMs: Math.min(10, maxMs), maxMs }, clock, random)
  let waitMs = heartbeatIntervalMs(ttlMs, random)
  for (;;) {
    await sleep(clock, waitMs, signal)
    const sentMs = clock.monotonicMs()
    // while this loop was blocked, another thread may have renewed it
    acknowledgedSentMs = Math.max(acknowledgedSentMs, session.renewedMs?.() ?? openedAtMs)
    const leftMs = acknowledgedSentMs + ttlMs - sentMs
    if (leftMs <= 0) {
      const cause = new RegistryError('session-lost', { ...subject, message: lostMessage(ttlMs) })
      return { cause, told: false }
    }
    try {
      await pulse.attempt(leftMs)
      backoff.succeeded()
      // counted from the send time, so that a slow link does not reduce the rate of beats
      waitMs = Math.max(0, heartbeatIntervalMs(ttlMs, random) - (clock.monotonicMs() - sentMs))
    } catch (thrown) {
      signal.throwIfAborted()
      const cause = RegistryError.from(thrown, subject)
      if (cause.code === 'session-lost') return { cause, told: true }
      // an attempt that hung has waited already; one that failed at once must not loop without delay
      waitMs = clock.monotonicMs() - sentMs >= maxMs ? 0 : backoff.nextDelayMs()
      listener.troubled(cause)
    }
  }
}
