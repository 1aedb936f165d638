import {
  type DriverFactory,
  type DriverSession,
  type Observation,
  type RegistryDriver,
  RegistryError,
} from '@sd/core/driver'
import { setTimeout as delay } from 'node:timers/promises'

/** How unreliable a driver is made. */
export interface UnreliableOptions {
  /** Share of the calls that fail with `unavailable`, half of them after they took effect. */
  readonly failing: number
  /** Longest delay of a call. */
  readonly maxDelayMs: number
}

/** A driver whose calls come late and fail at random, and whose streams break: core must hide it. */
export const unreliable =
  (factory: DriverFactory, { failing, maxDelayMs }: UnreliableOptions): DriverFactory =>
  (context) => {
    const driver = factory(context)
    const fail = (): void => {
      if (Math.random() >= failing / 2) return
      const message = 'the wrapper fails at random'
      throw new RegistryError('unavailable', { backend: 'memory', operation: 'any', message })
    }
    const call = async <T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
      signal.throwIfAborted()
      await delay(Math.random() * maxDelayMs, undefined, { signal }).catch(() => {})
      signal.throwIfAborted()
      fail()
      const result = await work()
      fail()
      return result
    }
    const session = (inner: DriverSession): DriverSession => ({
      id: inner.id,
      grantedTtlMs: inner.grantedTtlMs,
      lost: inner.lost,
      renew: (signal) => call(signal, () => inner.renew(signal)),
      put: (requests, signal) => call(signal, () => inner.put(requests, signal)),
      remove: (refs, signal) => call(signal, () => inner.remove(refs, signal)),
      audit: (refs, signal) => call(signal, () => inner.audit(refs, signal)),
      close: (signal) => call(signal, () => inner.close(signal)),
    })
    async function* observe(
      ...[scope, cursor, signal]: Parameters<RegistryDriver['observe']>
    ): AsyncGenerator<Observation, void, void> {
      signal.throwIfAborted()
      for await (const observation of driver.observe(scope, cursor, signal)) {
        // a stream that says nothing new does not break either: a case that waits may count on that
        if (observation.type !== 'alive') fail()
        yield observation
      }
    }
    return {
      backend: driver.backend,
      capabilities: driver.capabilities,
      openSession: async (options, signal) =>
        session(await call(signal, () => driver.openSession(options, signal))),
      list: (scope, signal) => call(signal, () => driver.list(scope, signal)),
      observe,
      probe: (signal) => call(signal, () => driver.probe(signal)),
      [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
    }
  }
