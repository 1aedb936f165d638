import { type DriverFactory, wrapDriver } from '@sd/core/driver'

/** A driver that acknowledges removals and does not make them. */
export const wrap =
  (factory: DriverFactory): DriverFactory =>
  (context) => {
    const driver = wrapDriver(factory(context), {})
    return {
      ...driver,
      openSession: async (options, signal) => ({
        ...(await driver.openSession(options, signal)),
        remove: async (refs) => refs.map(() => ({ result: 'removed' })),
      }),
    }
  }
