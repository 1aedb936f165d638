import type { Clock } from '@sd/core/driver'

const smallest = 10
const largest = 1000
/** A page that takes longer than this on its way is too large for the link; one well below it is too small. */
const aimMs = 250

/**
 * The number of keys in one range request. A read reports progress for each page, and etcd sends a
 * page as one message, so over a slow link the pages have to be small.
 */
export class PageSize {
  readonly #clock: Clock
  #keys = largest / 4

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get keys(): number {
    return this.#keys
  }

  /** Reads one page; the time that it takes, or its failure, decides the size of the next one. */
  async measure<T>(page: Promise<T>): Promise<T> {
    const sentMs = this.#clock.monotonicMs()
    let factor = 0.5
    try {
      const answer = await page
      const tookMs = this.#clock.monotonicMs() - sentMs
      if (tookMs < aimMs) factor = tookMs < aimMs / 4 ? 2 : 1
      return answer
    } finally {
      this.#keys = Math.min(largest, Math.max(smallest, Math.round(this.#keys * factor)))
    }
  }
}
