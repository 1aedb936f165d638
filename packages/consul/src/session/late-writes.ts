import { abortable, type Clock, RegistryError } from '@sd/core/driver'
import { wasNeverSent } from '../errors.ts'

/**
 * How many given-up registrations are awaited at once. Each holds a connection, and an agent allows
 * 200 for each address.
 */
const maxLate = 12

/**
 * Registrations whose caller gave up before they were answered. Consul cannot fence them: they may
 * arrive at any time. They are not cancelled with their caller but awaited for up to `timeoutMs`, as an
 * answer shows that a write is no longer in flight. Beyond `maxLate` the oldest is cancelled. Writes that end without an answer are recorded.
 */
export class LateWrites {
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #pending = new Set<AbortController>()
  readonly #late = new Set<AbortController>()
  #broken = false

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
  }

  /** Whether every write was answered, or certainly never sent. */
  get settled(): boolean {
    return this.#pending.size === 0 && !this.#broken
  }

  /** Whether a write may still be answered. */
  get pending(): boolean {
    return this.#pending.size > 0
  }

  /** Runs `write`; settles at once when `signal` aborts, while the write itself goes on. */
  async run<T>(write: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    // an aborted signal sends no event, so the write would never time out
    signal.throwIfAborted()
    const controller = new AbortController()
    this.#pending.add(controller)
    const work = write(controller.signal)
    void this.#follow(controller, work, signal)
    return abortable(work, signal)
  }

  async #follow(
    controller: AbortController,
    work: Promise<unknown>,
    signal: AbortSignal,
  ): Promise<void> {
    let timer: { cancel(): void } | undefined
    const lose = (): void => {
      this.#late.add(controller)
      const [oldest] = this.#late
      if (this.#late.size > maxLate) oldest?.abort(new Error('too many are late'))
      timer = this.#clock.setTimer(this.#timeoutMs, () => controller.abort(new Error('too late')))
    }
    signal.addEventListener('abort', lose, { once: true })
    try {
      await work
    } catch (error) {
      const cause = error instanceof RegistryError ? error.cause : error
      if (!wasNeverSent(cause)) this.#broken = true
    } finally {
      signal.removeEventListener('abort', lose)
      timer?.cancel()
      this.#pending.delete(controller)
      this.#late.delete(controller)
    }
  }
}
