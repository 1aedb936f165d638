import type { Clock, InstanceChange, Random } from '@sd/core'

/** The strategies, by name. */
export const strategyNames = ['round-robin', 'random', 'p2c'] as const

/** How one of several instances is chosen. */
export type StrategyName = (typeof strategyNames)[number]

/** What `createPicker` takes. All optional. */
export interface PickerOptions {
  /** How one of several instances is chosen. Default `p2c`. */
  readonly strategy?: StrategyName | undefined
  /** For tests. Default: the machine's; its timers keep no process alive. */
  readonly clock?: Clock | undefined
  /** For tests. Default: the machine's. */
  readonly random?: Pick<Random, 'next'> | undefined
}

/** What `createBalancer` takes for a watcher. All optional. */
export interface BalancerOptions extends PickerOptions {
  /**
   * Told, after each change of the view, how the set of instances that picks choose from changed:
   * without those that are drained, filtered out, or outside the subset. An instance that leaves it
   * gets no further picks, which is when to close the connections to it.
   */
  readonly onChange?: ((changes: readonly InstanceChange[]) => void) | undefined
}
