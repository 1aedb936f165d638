import type { Clock } from '@sd/core/driver'

/** Gives a slot back; a second call does nothing. */
export type Release = () => void

/** A bounded number of slots, given out in the order in which they were asked for. */
export class Slots {
  readonly #waiting = new Set<(release: Release) => void>()
  #free: number

  constructor(count: number) {
    this.#free = count
  }

  /** A slot, as soon as one is free. Rejects with `signal.reason` at once on abort. */
  async take(signal: AbortSignal): Promise<Release> {
    return (await this.#take(signal)) as Release
  }

  /** The same, but `undefined` when none came free in time. */
  takeWithin(clock: Clock, waitMs: number, signal: AbortSignal): Promise<Release | undefined> {
    return this.#take(signal, (giveUp) => clock.setTimer(waitMs, giveUp))
  }

  #take(
    signal: AbortSignal,
    setTimer?: (giveUp: () => void) => { cancel(): void },
  ): Promise<Release | undefined> {
    if (signal.aborted) return Promise.reject(signal.reason as Error)
    if (this.#free > 0) {
      this.#free -= 1
      return Promise.resolve(this.#release())
    }
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#waiting.delete(given)
        timer?.cancel()
        signal.removeEventListener('abort', abort)
      }
      const given = (release: Release): void => {
        end()
        resolve(release)
      }
      const abort = (): void => {
        end()
        reject(signal.reason as Error)
      }
      const timer = setTimer?.(() => {
        end()
        resolve(undefined)
      })
      this.#waiting.add(given)
      signal.addEventListener('abort', abort, { once: true })
    })
  }

  #release(): Release {
    let held = true
    return () => {
      if (!held) return
      held = false
      const [next] = this.#waiting
      if (next === undefined) this.#free += 1
      else next(this.#release())
    }
  }
}
