import { type DriverFactory, RegistryError, wrapDriver } from '@sd/core/driver'
import { setTimeout as delay } from 'node:timers/promises'

/** How unreliable a driver is made. */
export interface UnreliableOptions {
  /** Share of the calls that fail with `unavailable`, half of them after they took effect. */
  readonly failing: number
  /** Longest delay of a call. */
  readonly maxDelayMs: number
}

/** A driver whose calls come late and fail at random, and whose streams break: core must hide it. */
export const unreliable = (
  factory: DriverFactory,
  { failing, maxDelayMs }: UnreliableOptions,
): DriverFactory => {
  const fail = (): void => {
    if (Math.random() >= failing / 2) return
    const message = 'the wrapper fails at random'
    throw new RegistryError('unavailable', { backend: 'memory', operation: 'any', message })
  }
  return (context) =>
    wrapDriver(factory(context), {
      call: async (_name, signal, next) => {
        signal.throwIfAborted()
        await delay(Math.random() * maxDelayMs, undefined, { signal }).catch(() => {})
        signal.throwIfAborted()
        fail()
        const result = await next(signal)
        fail()
        return result
      },
      observe: async function* (_scope, signal, next) {
        signal.throwIfAborted()
        for await (const observation of next(signal)) {
          // a stream that says nothing new does not break either: a case that waits may count on that
          if (observation.type !== 'alive') fail()
          yield observation
        }
      },
    })
}
