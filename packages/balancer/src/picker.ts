import type { InstanceChange, ServiceInstance } from '@sd/core'
import type { Pick, PickOptions } from './pick.ts'

/**
 * Picks among instances that its caller feeds it, without a registry. `createBalancer` stands on it;
 * use it where connections, too, decide which instances can be picked.
 */
export interface Picker extends Disposable {
  /** How many instances can be picked now. */
  readonly size: number
  /**
   * The instances that picks choose from, the suspended and ejected ones too: without those that are
   * drained, filtered out, or outside the subset. Made anew on each read.
   */
  readonly instances: readonly ServiceInstance[]
  /**
   * Takes over changes: those of a watcher, or made by the caller. What the first call brings was
   * there before, what later ones add is new (it starts slowly). An instance none of whose endpoints
   * is left is taken for a new one under the old id: what was known about it is forgotten. Returns
   * how `instances` changed.
   */
  apply(changes: readonly InstanceChange[]): readonly InstanceChange[]
  /**
   * Not picked until `resume`, or until it is removed; everything known about it is kept. For a
   * connection that is lost. Unknown ids are ignored.
   */
  suspend(id: string): void
  /** Ends `suspend`. */
  resume(id: string): void
  /**
   * Where one call goes; its `done` must be called when the call ends.
   * @throws RegistryError `unavailable`, saying why none can be picked; `invalid-argument`; `closed`
   */
  pick(options?: PickOptions): Pick
  /** Stops its timers; picks throw `closed` from then on. Idempotent. */
  close(): void
}
