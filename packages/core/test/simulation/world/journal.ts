import type { VirtualClock } from '../clock/virtual-clock.ts'

/** The violations of a run, and a trace of its events if requested. */
export class Journal {
  readonly violations: string[] = []
  readonly #clock: VirtualClock
  readonly #trace: ((line: string) => void) | undefined

  constructor(clock: VirtualClock, trace: ((line: string) => void) | undefined) {
    this.#clock = clock
    this.#trace = trace
  }

  /** Calls `line` only when the run is traced. */
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
