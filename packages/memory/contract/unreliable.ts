import { type DriverFactory, RegistryError, wrapDriver } from '@sd/core/driver'
import { setTimeout as delay } from 'node:timers/promises'

/** How unreliable the driver is. */
export interface UnreliableOptions {
  /** Share of the calls that fail with `unavailable`, half of them after they took effect. */
  readonly failing: number
  /** Longest delay of a call. */
  readonly maxDelayMs: number
}

/**
 * A driver whose calls are delayed and fail at random, and whose streams break; core hides this.
 */
export const unreliable = (
  factory: DriverFactory,
  { failing, maxDelayMs }: UnreliableOptions,
): DriverFactory => {
  const fail = (): void => {
    if (Math.random() >= failing / 2) return
    const message = 'a random failure of the test'
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
          // a stream without changes does not break either: cases that only wait rely on that
          if (observation.type !== 'alive') fail()
          yield observation
        }
      },
    })
}
