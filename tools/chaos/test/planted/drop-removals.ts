import { type DriverFactory, type RegistryDriver, wrapDriver } from '@sd/core/driver'

/** A driver that acknowledges removals and does not make them. */
const dropRemovals = (driver: RegistryDriver): RegistryDriver => {
  const wrapped = wrapDriver(driver, {})
  return {
    ...wrapped,
    openSession: async (options, signal) => {
      const session = await wrapped.openSession(options, signal)
      return {
        ...session,
        lost: session.lost,
        remove: (refs) => Promise.resolve(refs.map(() => 'removed' as const)),
      }
    },
  }
}

/** The wrapper that a client process imports. */
export const wrap =
  (factory: DriverFactory): DriverFactory =>
  (context) =>
    dropRemovals(factory(context))
