import type { Clock, InstanceChange } from '@sd/core'
import type { Chance } from '../chance.ts'
import type { FilterOption } from '../filter/instance-filter.ts'
import type { OutlierOptions } from '../outlier/outlier-options.ts'
import type { SlowStartOptions } from '../slow-start.ts'
import type { StrategyName, StrategyOptions } from '../strategies/strategy-options.ts'

/** Calls stay in the own zone as far as its capacity goes. */
export interface ZoneOptions {
  /** The zone of this process. */
  readonly local: string
  /** With fewer instances that can be picked zones are not looked at. Default 1; Envoy's is 6. */
  readonly minInstances?: number | undefined
}

/** Only a few of all instances, always the same, so that connections stay few. */
export interface SubsetOptions {
  /** How many. */
  readonly size: number
  /** Who this process is: another id, another subset. Default: random, so another after a restart. */
  readonly clientId?: string | undefined
}

/** What `createPicker` takes. All optional. */
export interface PickerOptions {
  /** The service, for errors and diagnostics. Default: that of the first instance. */
  readonly service?: string | undefined
  /** How one of several instances is chosen. Default `p2c`. */
  readonly strategy?: StrategyName | StrategyOptions | undefined
  /** Which instances are candidates at all. Default: all. */
  readonly filter?: FilterOption | undefined
  /** Prefers instances of this zone. Default: zones are not looked at. */
  readonly zone?: string | ZoneOptions | undefined
  /** Picks among so many of the instances only. Default: among all. */
  readonly subset?: number | SubsetOptions | undefined
  /** Instances that join get their share little by little. `true`: with the defaults. Default off. */
  readonly slowStart?: SlowStartOptions | boolean | undefined
  /** Instances that fail are taken out for a while. `true`: with the defaults. Default off. */
  readonly outlier?: OutlierOptions | boolean | undefined
  /** For tests. Default: the machine's; its timers keep no process alive. */
  readonly clock?: Clock | undefined
  /** For tests. Default: the machine's. */
  readonly random?: Chance | undefined
}

/** What `createBalancer` takes. All optional. */
export interface BalancerOptions extends PickerOptions {
  /**
   * Told, after each change of the view, how the set of instances that picks choose from changed:
   * without those that are drained, filtered out, or outside the subset. An instance that leaves it
   * gets no further picks, which is when to close the connections to it.
   */
  readonly onChange?: ((changes: readonly InstanceChange[]) => void) | undefined
}
