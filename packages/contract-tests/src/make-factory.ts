import type { DriverFactory } from '@sd/core/driver'

/** Describes how another process loads the backend. */
export interface FactoryPlace {
  /** URL of the module that makes the driver factory: it must not import any test code. */
  readonly module: string
  /** Name of its export, a function from `config` to a driver factory. */
  readonly factory: string
  /** The argument of that function; must be JSON. */
  readonly config: unknown
}

/** Imports that module, and makes the driver factory. */
export const makeFactory = async (place: FactoryPlace): Promise<DriverFactory> => {
  const module = (await import(place.module)) as Record<string, (config: unknown) => DriverFactory>
  const make = module[place.factory]
  if (make === undefined) throw new Error(`${place.module} has no export ${place.factory}`)
  return make(place.config)
}
