import type { CollectedTest } from './collect-tests.ts'
import type { Measure, Reply, Request, Task } from './messages.ts'
import type { MutantSwitch } from './mutant-switch.ts'

/** What is called of the simulation. */
export interface Simulation {
  readonly drawSchedule: (seed: number) => { readonly kind: string }
  readonly simulate: (schedule: object) => Promise<{ readonly violations: readonly string[] }>
}

/** A test that does not settle is given up after so many turns of the event loop, not after a time. */
const patienceTurns = 25
const turnMs = 40

/** Why a test or a seed failed. */
interface Failure {
  readonly error: unknown
  /** It has not settled, and may go on. */
  readonly spoiled: boolean
}

const causeOf = (error: unknown): string =>
  (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).slice(0, 300)

/** Runs a task's tests and seeds by name. */
export class MutantRunner {
  readonly #task: Task
  readonly #switch: MutantSwitch
  readonly #tests: ReadonlyMap<string, CollectedTest>
  readonly #simulation: Simulation
  readonly #measures: ReadonlyMap<string, Measure>
  /** What was thrown where nobody listens. */
  #unheard: { readonly error: unknown } | undefined

  constructor(
    task: Task,
    mutants: MutantSwitch,
    tests: readonly CollectedTest[],
    simulation: Simulation,
  ) {
    this.#task = task
    this.#switch = mutants
    this.#tests = new Map(tests.map((test) => [test.name, test]))
    this.#simulation = simulation
    const { tests: ofTests = [], seeds = [] } = task.baseline ?? {}
    this.#measures = new Map([...ofTests, ...seeds].map((measure) => [measure.name, measure]))
    for (const event of ['unhandledRejection', 'uncaughtException'])
      process.on(event, (error: unknown) => {
        this.#unheard ??= { error }
      })
  }

  /** Runs everything once without a mutant. Throws what fails. */
  async measureAll(): Promise<{
    readonly tests: readonly Measure[]
    readonly seeds: readonly Measure[]
  }> {
    const tests: Measure[] = []
    for (const name of this.#tests.keys()) tests.push(await this.#measure(name))
    const seeds: Measure[] = []
    for (let seed = 1; seed <= this.#task.seeds; seed += 1) {
      const { kind } = this.#simulation.drawSchedule(seed)
      seeds.push({ ...(await this.#measure(`seed ${seed}`)), kind })
    }
    return { tests, seeds }
  }

  async run({ number, names }: Request): Promise<Reply> {
    this.#switch.active = number
    for (const name of names) {
      const failure = await this.#runOne(name)
      if (failure === undefined) continue
      this.#switch.active = -1
      return { number, killer: name, cause: causeOf(failure.error), spoiled: failure.spoiled }
    }
    this.#switch.active = -1
    return { number, spoiled: false }
  }

  async #measure(name: string): Promise<Measure> {
    this.#switch.takePassed()
    const startMs = performance.now()
    const failure = await this.#runOne(name)
    if (failure !== undefined)
      throw new Error(`${name} fails without a mutant: ${causeOf(failure.error)}`)
    const tookMs = performance.now() - startMs
    return { name, passed: this.#switch.takePassed(), steps: this.#switch.steps, tookMs }
  }

  async #runOne(name: string): Promise<Failure | undefined> {
    const measure = this.#measures.get(name)
    const isSeed = name.startsWith('seed ')
    this.#unheard = undefined
    this.#switch.steps = 0
    this.#switch.mostSteps =
      measure === undefined
        ? Number.POSITIVE_INFINITY
        : 20 * measure.steps + (isSeed ? 200_000 : 20_000)
    let failure: Failure | undefined
    try {
      if (isSeed) await this.#seed(Number(name.slice('seed '.length)))
      else failure = await this.#test(name, measure?.tookMs ?? 5_000)
    } catch (error) {
      failure = { error, spoiled: false }
    }
    await new Promise(setImmediate)
    const unheard = this.#unheard as { readonly error: unknown } | undefined
    return failure ?? (unheard === undefined ? undefined : { ...unheard, spoiled: false })
  }

  async #seed(seed: number): Promise<void> {
    const { violations } = await this.#simulation.simulate(this.#simulation.drawSchedule(seed))
    const [first] = violations
    if (first !== undefined) throw new Error(first)
  }

  async #test(name: string, tookMs: number): Promise<Failure | undefined> {
    const test = this.#tests.get(name)
    if (test === undefined) throw new Error(`there is no test "${name}"`)
    const state = { settled: false }
    const running = (async (): Promise<undefined> => {
      try {
        await test.run()
      } finally {
        state.settled = true
      }
    })()
    const turns = patienceTurns + (10 * tookMs) / turnMs
    const givenUp = (async (): Promise<Failure | undefined> => {
      for (let turn = 0; turn < turns; turn += 1) {
        if (state.settled) return undefined
        await new Promise((resolve) => setTimeout(resolve, turnMs))
      }
      return { error: new Error('it did not settle'), spoiled: true }
    })()
    return Promise.race([running, givenUp])
  }
}
