import { Registry, RegistryError, type RegistryOptions } from '@sd/core'
import { ManualClock } from '../manual-clock.ts'
import { ScriptedBackend } from '../scripted-backend.ts'

/** The bounds in which these tests state durations. */
export const ttlMs = 1_000
export const capMs = 400

/** A registry over a scripted backend, on a clock that the test moves. */
export interface TestBed {
  readonly clock: ManualClock
  readonly backend: ScriptedBackend
  readonly registry: Registry
  /** Another registry over the same backend. */
  readonly another: () => Registry
}

export const createTestBed = (options: RegistryOptions = {}): TestBed => {
  const clock = new ManualClock()
  const backend = new ScriptedBackend(clock)
  const another = (): Registry =>
    new Registry(backend.driver(), {
      ttlMs,
      callTimeoutMs: 300,
      closeTimeoutMs: 500,
      backoff: { minMs: 50, maxMs: capMs },
      clock,
      ...options,
    })
  return { clock, backend, registry: another(), another }
}

/** An instance of `service`. */
export const instance = (service: string, id: string) => ({
  service,
  id,
  endpoints: ['http://10.0.0.1:8080'],
})

/** How a promise has ended so far. */
export interface Outcome {
  ending: string
}

export const outcomeOf = (promise: Promise<unknown>): Outcome => {
  const outcome: Outcome = { ending: 'pending' }
  const follow = async (): Promise<void> => {
    try {
      await promise
      outcome.ending = 'resolved'
    } catch (error) {
      outcome.ending = error instanceof RegistryError ? error.code : String(error)
    }
  }
  void follow()
  return outcome
}
