import {
  type DriverCall,
  type DriverContext,
  type DriverFactory,
  wrapDriver,
} from '@sd/core/driver'

/** The calls of a driver, by name. */
export type CallCounts = Partial<Record<DriverCall, number>>

/** Counts the calls that core makes of a driver. */
export const counted = (factory: DriverFactory, counts: CallCounts): DriverFactory => {
  return (context: DriverContext) =>
    wrapDriver(factory(context), {
      call: (name, signal, next) => {
        counts[name] = (counts[name] ?? 0) + 1
        return next(signal)
      },
    })
}
