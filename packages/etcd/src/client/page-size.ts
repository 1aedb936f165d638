import type { Clock } from '@sd/core/driver'

const smallest = 16
const largest = 1000
/** A page that takes longer is too large for the link. */
const slowMs = 750
/** A page that takes less may be larger. */
const fastMs = 150

/**
 * The number of keys in one range request. A read reports progress for each page, and etcd sends a
 * page as one message, so over a slow link the pages have to be small.
 */
export class PageSize {
  readonly #clock: Clock
  #keys = 32

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get keys(): number {
    return this.#keys
  }

  /** Reads one page; the time that it takes, or its failure, decides the size of the next one. */
  async measure<T extends { readonly more: boolean }>(page: Promise<T>): Promise<T> {
    const sentMs = this.#clock.monotonicMs()
    let factor = 0.5
    try {
      const answer = await page
      const tookMs = this.#clock.monotonicMs() - sentMs
      if (tookMs < slowMs) factor = answer.more && tookMs < fastMs ? 2 : 1
      return answer
    } finally {
      this.#keys = Math.min(largest, Math.max(smallest, Math.round(this.#keys * factor)))
    }
  }
}
