/** Runs steps after a delay, always in the order in which they were pushed. */
export class DelayLine {
  readonly #delay: () => number
  readonly #waiting: { readonly due: number; run(): void }[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(delay: () => number) {
    this.#delay = delay
  }

  /** Runs `step` after the current delay, and not before any earlier step. */
  push(step: () => void): void {
    const delay = this.#delay()
    if (delay <= 0 && this.#waiting.length === 0) {
      step()
      return
    }
    this.#waiting.push({ due: performance.now() + delay, run: step })
    if (!this.#timer) this.#arm()
  }

  /** Drops the waiting steps. */
  clear(): void {
    this.#waiting.length = 0
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #arm(): void {
    const next = this.#waiting[0]
    if (!next) return
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        this.#waiting.shift()?.run()
        if (!this.#timer) this.#arm()
      },
      Math.max(0, next.due - performance.now()),
    )
  }
}
