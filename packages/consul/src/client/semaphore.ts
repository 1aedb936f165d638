import type { Clock } from '@sd/core/driver'

/** Returns a permit, once. The permit is free at once, or from the given time of the clock on. */
export type Release = (freeAtMs?: number) => void

/** A bounded number of permits, handed out in the order of the calls. */
export class Semaphore {
  readonly #clock: Clock
  readonly #waiting = new Set<(release: Release) => void>()
  /** When the permits that were returned with a time become free. */
  #freeAtMs: readonly number[] = []
  #free: number

  constructor(count: number, clock: Clock) {
    this.#free = count
    this.#clock = clock
  }

  /** Waits for a permit. Rejects with `signal.reason` at once on abort. */
  async acquire(signal: AbortSignal): Promise<Release> {
    return (await this.#acquire(signal)) as Release
  }

  /** The same, but `undefined` when none was returned in time. */
  acquireWithin(waitMs: number, signal: AbortSignal): Promise<Release | undefined> {
    return this.#acquire(signal, (giveUp) => this.#clock.setTimer(waitMs, giveUp))
  }

  #acquire(
    signal: AbortSignal,
    setTimer?: (giveUp: () => void) => { cancel(): void },
  ): Promise<Release | undefined> {
    if (signal.aborted) return Promise.reject(signal.reason as Error)
    this.#reclaim()
    if (this.#free > 0) {
      this.#free -= 1
      return Promise.resolve(this.#release())
    }
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#waiting.delete(granted)
        timer?.cancel()
        signal.removeEventListener('abort', abort)
      }
      const granted = (release: Release): void => {
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
      this.#waiting.add(granted)
      signal.addEventListener('abort', abort, { once: true })
    })
  }

  #release(): Release {
    let held = true
    return (freeAtMs) => {
      if (!held) return
      held = false
      if (freeAtMs === undefined) this.#passOn()
      else this.#freeAtMs = [...this.#freeAtMs, freeAtMs]
    }
  }

  #passOn(): void {
    const [next] = this.#waiting
    if (next === undefined) this.#free += 1
    else next(this.#release())
  }

  /** Called on the next call, not by a timer, which would outlive the driver. */
  #reclaim(): void {
    const nowMs = this.#clock.monotonicMs()
    const free = this.#freeAtMs.filter((freeAtMs) => freeAtMs <= nowMs)
    if (free.length === 0) return
    this.#freeAtMs = this.#freeAtMs.filter((freeAtMs) => freeAtMs > nowMs)
    for (const _ of free) this.#passOn()
  }
}
