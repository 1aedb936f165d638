import { RegistryError } from '../registry-error.ts'
import { Backoff } from '../runtime/backoff.ts'
import { sleep, withDeadline } from '../runtime/abort.ts'
import type { LiveSession } from './live-session.ts'
import type { SupervisorContext } from './supervisor-context.ts'

/**
 * Sessions that another one has replaced. Each is closed, and the close repeated until the
 * backend acknowledged it: until then its records could still be listed, or a late create of it
 * could still succeed. They are closed only when everything desired stands in the new session,
 * so that nothing blinks.
 */
export class RetiredSessions {
  readonly #context: SupervisorContext
  readonly #onClosed: (sessionId: string) => void
  readonly #stop = new AbortController()
  readonly #waiting = new Set<LiveSession>()
  readonly #closing = new Map<LiveSession, Promise<void>>()

  constructor(context: SupervisorContext, onClosed: (sessionId: string) => void) {
    this.#context = context
    this.#onClosed = onClosed
  }

  get size(): number {
    return this.#waiting.size + this.#closing.size
  }

  add(live: LiveSession): void {
    this.#waiting.add(live)
  }

  /** Everything desired stands elsewhere: what waits may go. */
  release(): void {
    for (const live of this.#waiting) {
      this.#waiting.delete(live)
      this.#closing.set(live, this.#close(live))
    }
  }

  /** Closes all that is left, with no more patience than `signal` has. */
  async closeAll(signal: AbortSignal): Promise<void> {
    this.release()
    const abort = (): void => this.#stop.abort(signal.reason)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
    await Promise.all(this.#closing.values())
    signal.removeEventListener('abort', abort)
  }

  async #close(live: LiveSession): Promise<void> {
    const { backend, clock, random, callTimeoutMs, publish, backoff: bounds } = this.#context
    const subject = { backend, operation: 'close-session' }
    const { signal } = this.#stop
    const backoff = new Backoff(bounds, clock, random)
    live.stop(new RegistryError('closed', { ...subject, message: 'the session was replaced' }))
    while (!signal.aborted) {
      try {
        await withDeadline(clock, callTimeoutMs, signal, subject, (bounded) =>
          live.session.close(bounded),
        )
        this.#closing.delete(live)
        publish('session', 'debug', 'session-closed', 'session closed', { session: live.id })
        this.#onClosed(live.id)
        return
      } catch (thrown) {
        if (signal.aborted) break
        const cause = RegistryError.from(thrown, subject)
        publish('session', 'debug', 'session-close-failed', cause.message, {
          session: live.id,
          cause,
        })
        await sleep(clock, backoff.nextDelayMs(), signal).catch(() => {})
      }
    }
    this.#closing.delete(live)
  }
}
