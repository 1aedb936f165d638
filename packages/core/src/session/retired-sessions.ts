import { RegistryError } from '../registry-error.ts'
import { sleep, withDeadline } from '../runtime/abort.ts'
import { Backoff } from '../runtime/backoff.ts'
import { type CallContext, callSubject } from '../driver/call-context.ts'
import type { OpenSession } from './open-session.ts'

/**
 * Sessions that another one has replaced. Each close is repeated until the backend acknowledges it:
 * until then its records could still be listed, or a late create could still succeed. A session is
 * closed only when everything desired is written in the new session, so that no instance disappears
 * in between. A session that the backend reported as lost waits two ttls at most, and not at all if
 * nothing was written in it.
 */
export class RetiredSessions {
  readonly #context: CallContext
  readonly #onClosed: (sessionId: string) => void
  readonly #stop = new AbortController()
  /** Sessions to close, with the time at which each was retired. */
  readonly #waiting = new Map<OpenSession, number>()
  readonly #closing = new Map<OpenSession, Promise<void>>()
  #pause = new AbortController()
  #onRefused: ((session: OpenSession) => Promise<void>) | undefined

  constructor(context: CallContext, onClosed: (sessionId: string) => void) {
    this.#context = context
    this.#onClosed = onClosed
  }

  get size(): number {
    return this.#waiting.size + this.#closing.size
  }

  /** When the next lost session may be closed. */
  get nextDueMs(): number {
    let dueMs = Number.POSITIVE_INFINITY
    for (const session of this.#waiting.keys()) dueMs = Math.min(dueMs, this.#droppedAtMs(session))
    return dueMs
  }

  add(session: OpenSession): void {
    if (this.#waiting.has(session) || this.#closing.has(session)) return
    this.#waiting.set(session, this.#context.clock.monotonicMs())
  }

  /** Closes all waiting sessions, as everything desired is written in another one. */
  release(): void {
    for (const session of [...this.#waiting.keys()]) this.#begin(session)
  }

  /** Closes the sessions that the backend reported as lost and that have waited long enough. */
  releaseDropped(): void {
    const now = this.#context.clock.monotonicMs()
    for (const session of [...this.#waiting.keys()])
      if (this.#droppedAtMs(session) <= now) this.#begin(session)
  }

  /**
   * Closes all remaining sessions until `signal` aborts. A session whose close the backend refuses
   * is passed to `onRefused` and then left to expire.
   */
  async closeAll(
    signal: AbortSignal,
    onRefused: (session: OpenSession) => Promise<void>,
  ): Promise<void> {
    this.#onRefused = onRefused
    this.release()
    const pause = this.#pause
    this.#pause = new AbortController()
    pause.abort()
    const abort = (): void => this.#stop.abort(signal.reason)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
    await Promise.all(this.#closing.values())
    signal.removeEventListener('abort', abort)
  }

  #droppedAtMs(session: OpenSession): number {
    if (!session.toldLost) return Number.POSITIVE_INFINITY
    const retiredAtMs = this.#waiting.get(session) ?? 0
    return session.mayHoldRecords ? retiredAtMs + 2 * session.grantedTtlMs : retiredAtMs
  }

  #begin(session: OpenSession): void {
    this.#waiting.delete(session)
    this.#closing.set(session, this.#close(session))
  }

  async #close(session: OpenSession): Promise<void> {
    const { clock, random, callTimeoutMs, publish, backoff: bounds } = this.#context
    const subject = callSubject(this.#context, 'close-session')
    const { signal } = this.#stop
    const backoff = new Backoff(bounds, clock, random)
    session.stop(new RegistryError('closed', { ...subject, message: 'the session was replaced' }))
    while (!signal.aborted) {
      try {
        await withDeadline(clock, callTimeoutMs, signal, subject, (bounded) =>
          session.driverSession.close(bounded),
        )
        this.#closing.delete(session)
        publish('session', 'debug', 'session-closed', 'session closed', { session: session.id })
        this.#onClosed(session.id)
        return
      } catch (thrown) {
        if (signal.aborted) break
        const cause = RegistryError.from(thrown, subject)
        publish('session', 'debug', 'session-close-failed', cause.message, {
          session: session.id,
          cause,
        })
        if (!cause.retryable && this.#onRefused !== undefined) {
          await this.#onRefused(session)
          break
        }
        const wake = AbortSignal.any([signal, this.#pause.signal])
        await sleep(clock, backoff.nextDelayMs(cause), wake).catch(() => {})
      }
    }
    this.#closing.delete(session)
  }
}
