import type { Contents, Cursor, Observation, RegistryDriver, Scope } from '@sd/core/driver'
import { orders } from './requests.ts'

/** An observation under way, read one by one; disposing ends it. */
export interface Observing extends AsyncDisposable {
  /** The next that is not `alive`; throws what the driver threw. */
  next(): Promise<Observation & Contents>
  /** The next, whatever it is. */
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
