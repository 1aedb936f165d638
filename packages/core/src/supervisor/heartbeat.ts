import type { DriverSession } from '../driver/registry-driver.ts'
import { RegistryError } from '../registry-error.ts'
import { sleep, withDeadline } from '../runtime/abort.ts'
import type { SupervisorContext } from './supervisor-context.ts'

/** What a heartbeat tells while it beats. */
export interface HeartbeatListener {
  renewed(): void
  /** One attempt failed; the session may still live. */
  troubled(cause: RegistryError): void
}

const lostMessage = (ttlMs: number): string =>
  `no heartbeat was acknowledged for the ttl of ${ttlMs} ms, so the backend may have dropped the session`

/**
 * Renews a session every ttl/4, each attempt bounded by ttl/6 and tried again at once, and
 * returns why the session must be taken for lost. Liveness counts from the send time of the last
 * acknowledged renewal: the server's clock cannot have started later than that.
 */
export const heartbeat = async (
  context: SupervisorContext,
  session: DriverSession,
  openedAtMs: number,
  listener: HeartbeatListener,
  signal: AbortSignal,
): Promise<RegistryError> => {
  const { clock, random, backend } = context
  const ttlMs = session.grantedTtlMs
  const subject = { backend, operation: 'renew' }
  let acknowledgedSentMs = openedAtMs
  let pauseMs = 0
  for (;;) {
    const jitter = 0.9 + 0.2 * random.next()
    const waitMs = pauseMs > 0 ? pauseMs : (ttlMs / 4) * jitter
    await sleep(clock, waitMs, signal)
    const sentMs = clock.monotonicMs()
    const leftMs = acknowledgedSentMs + ttlMs - sentMs
    if (leftMs <= 0)
      return new RegistryError('session-lost', { ...subject, message: lostMessage(ttlMs) })
    try {
      const attemptMs = Math.min(ttlMs / 6, leftMs)
      await withDeadline(clock, attemptMs, signal, subject, (bounded) => session.renew(bounded))
      acknowledgedSentMs = sentMs
      pauseMs = 0
      listener.renewed()
    } catch (thrown) {
      signal.throwIfAborted()
      const cause = RegistryError.from(thrown, subject)
      if (cause.code === 'session-lost') return cause
      // an attempt that hung has waited already; one that failed at once must not spin
      pauseMs = Math.min(ttlMs / 24, Math.max(1, pauseMs * 2, 10))
      listener.troubled(cause)
    }
  }
}
