import type { Clock } from '@sd/core'
import { OptionCheck } from './options/option-check.ts'
import { systemClock } from './system-clock.ts'

/** What a `RetryBudget` takes. All optional. */
export interface RetryBudgetOptions {
  /** Retries allowed for each request, 0…1000. Default 0.2: one for five requests. */
  readonly ratio?: number | undefined
  /** Additional retries per second, so that a client with few requests can retry. Default 10. */
  readonly minPerSecond?: number | undefined
  /** How long a request counts. Default 10,000 ms. */
  readonly windowMs?: number | undefined
  /** For tests. Default: the system clock. */
  readonly clock?: Clock | undefined
}

const slices = 10

/**
 * Limits retries to a fraction of the requests, so that retries do not overload a service further:
 * over the last `windowMs`, at most `ratio` × requests + `minPerSecond` × seconds. After Finagle's
 * RetryBudget (ttl 10 s, 10 per second, 20 %). The window moves in tenths.
 */
export class RetryBudget {
  readonly #clock: Clock
  readonly #ratio: number
  readonly #reserve: number
  readonly #sliceMs: number
  readonly #requests = new Float64Array(slices)
  readonly #retries = new Float64Array(slices)
  #slice: number

  /** @throws RegistryError `invalid-config`, naming the field */
  constructor(options: RetryBudgetOptions = {}) {
    const check = new OptionCheck('create retry budget', undefined)
    check.object('', options, ['ratio', 'minPerSecond', 'windowMs', 'clock'])
    this.#clock = options.clock ?? systemClock
    this.#ratio = check.number('ratio', options.ratio, 0.2, 0, 1_000)
    const windowMs = check.number('windowMs', options.windowMs, 10_000, 10, 2 ** 31 - 1)
    const perSecond = check.number('minPerSecond', options.minPerSecond, 10, 0, 1_000_000)
    this.#reserve = (perSecond * windowMs) / 1_000
    this.#sliceMs = windowMs / slices
    this.#slice = this.#now()
  }

  /** How many retries are left at present. */
  get balance(): number {
    this.#move()
    const requests = this.#requests.reduce((sum, count) => sum + count, 0)
    const retries = this.#retries.reduce((sum, count) => sum + count, 0)
    return Math.max(0, this.#reserve + this.#ratio * requests - retries)
  }

  /** Records a request. Call it once for each request, not for its retries. */
  deposit(): void {
    this.#move()
    this.#requests[this.#slice % slices]! += 1
  }

  /** Takes one retry. `false`: none is left, do not retry. */
  withdraw(): boolean {
    if (this.balance < 1) return false
    this.#retries[this.#slice % slices]! += 1
    return true
  }

  #now(): number {
    return Math.floor(this.#clock.monotonicMs() / this.#sliceMs)
  }

  /** Drops what is older than the window. */
  #move(): void {
    const now = this.#now()
    const passed = Math.min(slices, now - this.#slice)
    for (let back = 0; back < passed; back += 1) {
      this.#requests[(now - back) % slices] = 0
      this.#retries[(now - back) % slices] = 0
    }
    this.#slice = now
  }
}
