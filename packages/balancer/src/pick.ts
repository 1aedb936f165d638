import type { ServiceInstance } from '@sd/core'

/** What one pick asks for. All optional. */
export interface PickOptions {
  /** What the call is about, e.g. a user's id: strategies that keep a key on one instance use it. */
  readonly key?: string | undefined
  /** Ids of instances that must not be picked: those that this call was tried on. */
  readonly exclude?: ReadonlySet<string> | undefined
  /** Only endpoints like `http://…`. Of several, in lower case, the first that the instance has. */
  readonly scheme?: string | readonly string[] | undefined
}

/** How a call went. */
export interface Outcome {
  /** Whatever it failed with. Left out or `undefined`: it succeeded. */
  readonly error?: unknown
  /** How long it took; what is no number from 0 is ignored. Default: the time since the pick, where the strategy uses it. */
  readonly latencyMs?: number | undefined
}

/** Where one call goes. */
export interface Pick {
  readonly instance: ServiceInstance
  /** One of the instance's endpoints: the first, or the first of the wanted scheme. */
  readonly endpoint: string
  /** The call has ended. Must be called once for each pick; later calls do nothing. */
  done(outcome?: Outcome): void
}
