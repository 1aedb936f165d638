import { RegistryError } from '../registry-error.ts'
import { type CallSubject, withDeadline } from './abort.ts'
import type { Clock } from './clock.ts'
import { abandonMs, patienceMs } from './timing.ts'

/** What a pulse is made of. */
export interface PulseParts {
  readonly clock: Clock
  readonly ttlMs: number
  readonly subject: CallSubject
  /** One round trip. */
  readonly send: (signal: AbortSignal) => Promise<void>
  /** An attempt that was sent then was answered, perhaps after a later one had been sent. */
  readonly answered: (sentMs: number) => void
  readonly signal: AbortSignal
}

interface Waiting {
  resolve(): void
  reject(error: unknown): void
}

/**
 * A round trip that is repeated to learn whether the other side lives. An attempt that is not
 * answered in time is missed, and the next one is sent; but its answer still counts when it comes,
 * so that a server that is slow and well is not taken for dead. The patience follows the round trips.
 */
export class Pulse {
  readonly #parts: PulseParts
  #roundTripMs = 0
  #waiting: Waiting | undefined
  #lost: RegistryError | undefined

  constructor(parts: PulseParts) {
    this.#parts = parts
  }

  /** An upper estimate of what a round trip takes. */
  get roundTripMs(): number {
    return this.#roundTripMs
  }

  /**
   * Sends one attempt. Resolves when it or an earlier one is answered; rejects with what it failed
   * with, or with `timeout` when nothing was answered within the patience, or `limitMs`.
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
        // a round trip takes at least as long
        this.#roundTripMs = Math.max(this.#roundTripMs, waitMs)
        const message = `no answer within ${Math.round(waitMs)} ms; the backend is unreachable, frozen or slow`
        waiting.reject(new RegistryError('timeout', { ...subject, message }))
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
    // slow ones are remembered for a while: the next may be slow again
    this.#roundTripMs = Math.max(clock.monotonicMs() - sentMs, 0.8 * this.#roundTripMs)
    answered(sentMs)
    this.#waiting?.resolve()
  }
}
