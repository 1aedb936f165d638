import type { Contents, Cursor, Observation, RegistryDriver, Scope } from '@sd/core/driver'
import { orders } from './requests.ts'

/** An open observation, read item by item; disposing ends it. */
export interface Observing extends AsyncDisposable {
  /** The next one that is not `alive`; throws the driver's error. */
  next(): Promise<Observation & Contents>
  /** The next one of any type. */
  any(): Promise<Observation>
}

/** Observes a scope (`orders` by default), from `cursor` on where one is given. */
export const observing = (
  driver: RegistryDriver,
  scope: Scope = orders,
  cursor?: Cursor,
): Observing => {
  const end = new AbortController()
  const iterator = driver.observe(scope, cursor, end.signal)[Symbol.asyncIterator]()
  const any = async (): Promise<Observation> => (await iterator.next()).value
  return {
    any,
    next: async () => {
      for (;;) {
        const observation = await any()
        if (observation.type !== 'alive') return observation
      }
    },
    [Symbol.asyncDispose]: async () => {
      end.abort(new Error('test over'))
      await iterator.next().catch(() => {})
    },
  }
}
