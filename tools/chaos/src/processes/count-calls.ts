import { type DriverFactory, wrapDriver } from '@sd/core/driver'

/** A factory whose drivers count their calls by name, and the counts since they were last taken. */
export const countCalls = (
  factory: DriverFactory,
): {
  readonly factory: DriverFactory
  readonly takeCounts: () => Readonly<Record<string, number>>
} => {
  let counts: Record<string, number> = {}
  const count = (name: string): void => {
    counts[name] = (counts[name] ?? 0) + 1
  }
  return {
    factory: (context) =>
      wrapDriver(factory(context), {
        call: (name, signal, next) => {
          count(name)
          return next(signal)
        },
        observe: (_scope, signal, next) => {
          count('observe')
          return next(signal)
        },
      }),
    takeCounts: () => {
      const taken = counts
      counts = {}
      return taken
    },
  }
}
