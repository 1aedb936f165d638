import type { VirtualClock } from '../clock/virtual-clock.ts'

/** What a run found, and, when it is traced, all that happened. */
export class Journal {
  readonly violations: string[] = []
  readonly #clock: VirtualClock
  readonly #trace: ((line: string) => void) | undefined

  constructor(clock: VirtualClock, trace: ((line: string) => void) | undefined) {
    this.#clock = clock
    this.#trace = trace
  }

  /** `line` is only made when somebody listens. */
  note(line: () => string): void {
    this.#trace?.(`${this.#stamp()}  ${line()}`)
  }

  violation(text: string): void {
    this.note(() => `VIOLATION ${text}`)
    if (this.violations.length < 10) this.violations.push(`at${this.#stamp()}: ${text}`)
  }

  #stamp(): string {
    return `${this.#clock.monotonicMs().toFixed(1).padStart(8)} ms`
  }
}
