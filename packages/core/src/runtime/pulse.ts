import { RegistryError } from '../registry-error.ts'
import { type CallSubject, timeoutOf, withDeadline } from './abort.ts'
import type { Clock } from './clock.ts'
import { abandonMs, patienceMs } from './timing.ts'

/** The constructor parameters of `Pulse`. */
export interface PulseParts {
  readonly clock: Clock
  readonly ttlMs: number
  readonly subject: CallSubject
  /** One round trip. */
  readonly send: (signal: AbortSignal) => Promise<void>
  /** Reports that the attempt sent at `sentMs` was answered, possibly after a later one was sent. */
  readonly answered: (sentMs: number) => void
  readonly signal: AbortSignal
}

interface Waiting {
  resolve(): void
  reject(error: unknown): void
}

/**
 * A repeated round trip that checks whether the server is alive. An attempt that is not answered in
 * time counts as missed, and the next one is sent. A late answer still counts, so that a slow but
 * healthy server is not considered dead. The time limit adapts to the measured round trips.
 */
export class Pulse {
  readonly #parts: PulseParts
  #roundTripMs = 0
  #waiting: Waiting | undefined
  #lost: RegistryError | undefined

  constructor(parts: PulseParts) {
    this.#parts = parts
  }

  /** An upper estimate of the round-trip time. */
  get roundTripMs(): number {
    return this.#roundTripMs
  }

  /**
   * Sends one attempt. Resolves when it or an earlier one is answered. Rejects with its failure, or
   * with `timeout` when none is answered within `patienceMs` or `limitMs`.
   */
  attempt(limitMs: number = Number.POSITIVE_INFINITY): Promise<void> {
    const { clock, ttlMs, subject, signal } = this.#parts
    const waitMs = Math.min(patienceMs(ttlMs, this.#roundTripMs), limitMs)
    return new Promise<void>((resolve, reject) => {
      if (signal.aborted || this.#lost !== undefined) {
        reject((this.#lost ?? signal.reason) as Error)
        return
      }
      const end = (): void => {
        this.#waiting = undefined
        timer.cancel()
        signal.removeEventListener('abort', abort)
      }
      const waiting: Waiting = {
        resolve: () => {
          end()
          resolve()
        },
        reject: (error) => {
          end()
          reject(error)
        },
      }
      const abort = (): void => waiting.reject(signal.reason)
      const timer = clock.setTimer(waitMs, () => {
        // the round trip takes at least this long
        this.#roundTripMs = Math.max(this.#roundTripMs, waitMs)
        waiting.reject(timeoutOf(subject, waitMs))
      })
      signal.addEventListener('abort', abort, { once: true })
      this.#waiting = waiting
      void this.#send(waiting)
    })
  }

  async #send(waiting: Waiting): Promise<void> {
    const { clock, ttlMs, subject, signal, send, answered } = this.#parts
    const sentMs = clock.monotonicMs()
    try {
      await withDeadline(clock, abandonMs(ttlMs), signal, subject, send)
    } catch (thrown) {
      if (signal.aborted) return
      const cause = RegistryError.from(thrown, subject)
      if (cause.code === 'session-lost') {
        this.#lost = cause
        this.#waiting?.reject(cause)
      } else if (this.#waiting === waiting) waiting.reject(cause)
      return
    }
    if (signal.aborted) return
    // decays slowly, as the round trip after a slow one is often slow too
    this.#roundTripMs = Math.max(clock.monotonicMs() - sentMs, 0.8 * this.#roundTripMs)
    answered(sentMs)
    this.#waiting?.resolve()
  }
}
