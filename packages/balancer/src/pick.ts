import { RegistryError, type ServiceInstance, show } from '@sd/core'

/** The options of one pick. All optional. */
export interface PickOptions {
  /**
   * What the call is about, e.g. a user's id. Strategies with affinity keep a key on one instance.
   */
  readonly key?: string | undefined
  /** Ids of instances that must not be picked, e.g. those already tried for this call. */
  readonly exclude?: ReadonlySet<string> | undefined
  /**
   * Scheme of the endpoint, in lower case, e.g. `http`. With several: the first that the instance
   * has.
   */
  readonly scheme?: string | readonly string[] | undefined
}

/**
 * Checks the options of a pick. Throws `invalid-argument` for a mistake that would otherwise show
 * late.
 */
export const checkRequest = ({ key, exclude }: PickOptions, service: string | undefined): void => {
  const refuse = (field: string, given: unknown, accepted: string): never => {
    throw new RegistryError('invalid-argument', {
      backend: 'balancer',
      operation: 'pick',
      service,
      message: `${field} is ${show(given)}; expected ${accepted}`,
    })
  }
  if (key !== undefined && typeof key !== 'string') refuse('key', key, 'a string')
  if (exclude !== undefined && typeof exclude.has !== 'function')
    refuse('exclude', exclude, 'a set of ids')
}

/** How a call went. */
export interface Outcome {
  /** The error of the call. `undefined` or omitted: the call succeeded. */
  readonly error?: unknown
  /**
   * How long the call took; negative or non-numeric values are ignored. Default: the time since the
   * pick, if the strategy uses it.
   */
  readonly latencyMs?: number | undefined
}

/** The instance for one call. */
export interface Pick {
  readonly instance: ServiceInstance
  /** One of the instance's endpoints: the first, or the first with the wanted scheme. */
  readonly endpoint: string
  /** Ends the call. Must be called once for each pick; later calls do nothing. */
  done(outcome?: Outcome): void
}
