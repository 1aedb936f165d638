/** Runs steps after a delay, always in the order in which they were pushed. */
export class DelayLine {
  readonly #delay: () => number
  readonly #takes: (size: number) => number
  /** When the last step that takes time is over. */
  #busyUntil = 0
  readonly #waiting: { readonly due: number; run(): void }[] = []
  #timer: NodeJS.Timeout | undefined

  /** `delay` is the wait of each step; `takes` is how long a step of that size occupies the line. */
  constructor(delay: () => number, takes: (size: number) => number = () => 0) {
    this.#delay = delay
    this.#takes = takes
  }

  /** Runs `step` after the current delay, and not before any earlier step. */
  push(step: () => void, size = 0): void {
    const now = performance.now()
    this.#busyUntil = Math.max(this.#busyUntil, now) + this.#takes(size)
    const delay = this.#delay() + this.#busyUntil - now
    if (delay <= 0 && this.#waiting.length === 0) {
      step()
      return
    }
    this.#waiting.push({ due: now + delay, run: step })
    if (!this.#timer) this.#arm()
  }

  /** Drops the waiting steps. */
  clear(): void {
    this.#waiting.length = 0
    this.#busyUntil = 0
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
