import type { InstanceChange, ServiceInstance } from '@sd/core'
import type { Pick, PickOptions } from './pick.ts'

/**
 * Picks among instances that the caller provides, without a registry. `createBalancer` is built on
 * it. Use it where the state of connections also decides which instances can be picked.
 */
export interface Picker extends Disposable {
  /** How many instances can be picked now. */
  readonly size: number
  /**
   * The instances that picks choose from, including those that are suspended, ejected, failing or
   * draining. Drained instances (weight 0), filtered-out instances and those outside the subset are
   * not included. Each read makes a new array.
   */
  readonly instances: readonly ServiceInstance[]
  /** The instances that can be picked now. Each read makes a new array. */
  readonly available: readonly ServiceInstance[]
  /**
   * Applies changes from a watcher or the caller. Instances in the first call count as established;
   * those added later are new (they start slowly). An instance that keeps none of its endpoints
   * counts as a new one under the old id, and its statistics are dropped. Returns how `instances`
   * changed.
   */
  apply(changes: readonly InstanceChange[]): readonly InstanceChange[]
  /**
   * Excludes an instance from picks until `resume` or its removal, e.g. while its connection is
   * lost. Its statistics are kept. Unknown ids are ignored.
   */
  suspend(id: string): void
  /** Ends `suspend`. */
  resume(id: string): void
  /**
   * Picks the instance for one call. Call `done` when the call ends.
   * @throws RegistryError `unavailable`, saying why none can be picked; `invalid-argument`;
   * `closed`
   */
  pick(options?: PickOptions): Pick
  /** Stops its timers. Later picks throw `closed`. Idempotent. */
  close(): void
}
