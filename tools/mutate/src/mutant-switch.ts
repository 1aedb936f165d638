/** The exit code of a process that ran past the limit: the active mutant never ends. */
export const exitCodeOfEndless = 77

/**
 * Which mutant is on in this process, and which places were passed. Instrumented code asks it at every
 * mutated place, so that it counts the steps as well: a mutant that loops for ever is found by its steps,
 * whatever the load of the machine.
 */
export class MutantSwitch {
  active = -1
  steps = 0
  mostSteps = Number.POSITIVE_INFINITY
  readonly #passed: Uint8Array

  constructor(count: number) {
    this.#passed = new Uint8Array(count)
  }

  /** Whether this mutant is on. */
  readonly isOn = (number: number): boolean => {
    this.#passed[number] = 1
    this.steps += 1
    // the event loop is not reached any more, so that nothing but an exit ends this
    if (this.steps > this.mostSteps) process.exit(exitCodeOfEndless)
    return this.active === number
  }

  /** The places passed since the last call. */
  takePassed(): readonly number[] {
    const passed: number[] = []
    for (let at = this.#passed.indexOf(1); at >= 0; at = this.#passed.indexOf(1, at + 1))
      passed.push(at)
    this.#passed.fill(0)
    return passed
  }
}
