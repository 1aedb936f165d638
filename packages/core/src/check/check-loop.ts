import { RegistryError } from '../registry-error.ts'
import { abortable, sleep } from '../runtime/abort.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import { checkIntervalMs } from '../runtime/timing.ts'
import type { ResolvedCheck } from './check-options.ts'

/** What the runs of a check say so far; `failure` is the last one of a failing instance. */
export type CheckOutcome =
  | { readonly health: 'passing' }
  | { readonly health: 'failing'; readonly failure: RegistryError }

/** What a loop needs of its registry. */
export interface CheckContext {
  readonly backend: string
  readonly clock: Clock
  readonly random: Random
}

/** Runs the check of one registration until it is stopped. */
export class CheckLoop {
  readonly #check: ResolvedCheck
  readonly #context: CheckContext
  readonly #service: string
  readonly #stop = new AbortController()
  #outcome: CheckOutcome = { health: 'passing' }
  /** The runs in a row whose result differs from the outcome. */
  #against = 0
  #beganMs = 0
  /** Set while a run that ignores its signal goes on after its deadline. */
  #overdue = false

  constructor(check: ResolvedCheck, context: CheckContext, service: string) {
    this.#check = check
    this.#context = context
    this.#service = service
  }

  /** Runs the check once: its result is the outcome. Rejects with the signal's reason. */
  async first(signal: AbortSignal): Promise<CheckOutcome> {
    const failure = await this.#run(signal)
    signal.throwIfAborted()
    this.#outcome = failure === undefined ? { health: 'passing' } : { health: 'failing', failure }
    return this.#outcome
  }

  /** Goes on running the check, and calls `onChange` when the outcome changes, until `stop`. */
  start(onChange: (outcome: CheckOutcome) => void): void {
    // ends by its signal only
    this.#repeat(onChange).catch(() => {})
  }

  stop(): void {
    this.#stop.abort(new Error('the check was stopped'))
  }

  async #repeat(onChange: (outcome: CheckOutcome) => void): Promise<void> {
    const { signal } = this.#stop
    const { clock, random } = this.#context
    for (;;) {
      const dueMs = this.#beganMs + checkIntervalMs(this.#check.intervalMs, random)
      await sleep(clock, dueMs - clock.monotonicMs(), signal)
      const failure = await this.#run(signal)
      signal.throwIfAborted()
      if (this.#count(failure)) onChange(this.#outcome)
    }
  }

  /** Counts a run; returns whether the outcome has changed. */
  #count(failure: RegistryError | undefined): boolean {
    const health = failure === undefined ? 'passing' : 'failing'
    if (health === this.#outcome.health) {
      this.#against = 0
      return false
    }
    const { failuresBeforeFailing, successesBeforePassing } = this.#check
    this.#against += 1
    const needed = failure === undefined ? successesBeforePassing : failuresBeforeFailing
    if (this.#against < needed) return false
    this.#against = 0
    this.#outcome = failure === undefined ? { health: 'passing' } : { health: 'failing', failure }
    return true
  }

  /** Runs the check with its deadline. Returns why it failed. */
  async #run(outer: AbortSignal): Promise<RegistryError | undefined> {
    const { clock } = this.#context
    const { timeoutMs, run } = this.#check
    this.#beganMs = clock.monotonicMs()
    if (this.#overdue) return this.#failure(new Error('the run before has not ended yet'))
    const controller = new AbortController()
    const stop = (): void => controller.abort(outer.reason)
    outer.addEventListener('abort', stop, { once: true })
    if (outer.aborted) stop()
    const timer = clock.setTimer(timeoutMs, () =>
      controller.abort(new Error(`no result within ${timeoutMs} ms`)),
    )
    this.#overdue = true
    // also turns a function that throws into a rejection
    const running = (async () => run(controller.signal))()
    const ended = (): void => {
      this.#overdue = false
    }
    running.then(ended, ended)
    try {
      const result = await abortable(running, controller.signal)
      return result === false ? this.#failure(new Error('it returned false')) : undefined
    } catch (thrown) {
      return this.#failure(thrown)
    } finally {
      timer.cancel()
      outer.removeEventListener('abort', stop)
    }
  }

  #failure(cause: unknown): RegistryError {
    return new RegistryError('unavailable', {
      backend: this.#context.backend,
      operation: 'check',
      service: this.#service,
      message: `the check failed: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    })
  }
}
