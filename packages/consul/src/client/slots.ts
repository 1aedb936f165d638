import type { Clock } from '@sd/core/driver'

/** Gives a slot back, which is free at once or from that time of the clock on; only once. */
export type Release = (freeAtMs?: number) => void

/** A bounded number of slots, given out in the order in which they were asked for. */
export class Slots {
  readonly #clock: Clock
  readonly #waiting = new Set<(release: Release) => void>()
  /** When those are free that were given back with a time. */
  #resting: readonly number[] = []
  #free: number

  constructor(count: number, clock: Clock) {
    this.#free = count
    this.#clock = clock
  }

  /** A slot, as soon as one is free. Rejects with `signal.reason` at once on abort. */
  async take(signal: AbortSignal): Promise<Release> {
    return (await this.#take(signal)) as Release
  }

  /** The same, but `undefined` when none came free in time; one that rests is not waited for. */
  takeWithin(waitMs: number, signal: AbortSignal): Promise<Release | undefined> {
    return this.#take(signal, (giveUp) => this.#clock.setTimer(waitMs, giveUp))
  }

  #take(
    signal: AbortSignal,
    setTimer?: (giveUp: () => void) => { cancel(): void },
  ): Promise<Release | undefined> {
    if (signal.aborted) return Promise.reject(signal.reason as Error)
    this.#wakeRested()
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
    return (freeAtMs) => {
      if (!held) return
      held = false
      if (freeAtMs === undefined) this.#giveOn()
      else this.#resting = [...this.#resting, freeAtMs]
    }
  }

  #giveOn(): void {
    const [next] = this.#waiting
    if (next === undefined) this.#free += 1
    else next(this.#release())
  }

  /** Without a timer, which would outlive its driver: whoever asks next looks at the clock. */
  #wakeRested(): void {
    const nowMs = this.#clock.monotonicMs()
    const rested = this.#resting.filter((freeAtMs) => freeAtMs <= nowMs)
    if (rested.length === 0) return
    this.#resting = this.#resting.filter((freeAtMs) => freeAtMs > nowMs)
    for (const _ of rested) this.#giveOn()
  }
}
