import type { Clock, InstanceChange } from '@sd/core'
import type { Chance } from '../chance.ts'
import type { FilterOption } from '../filter/instance-filter.ts'
import type { OutlierOptions } from '../outlier/outlier-options.ts'
import type { SlowStartOptions } from '../slow-start.ts'
import type { StrategyName, StrategyOptions } from '../strategies/strategy-options.ts'

/** Calls stay in the local zone as far as its capacity allows. */
export interface ZoneOptions {
  /** The zone of this process. */
  readonly local: string
  /** Zones are ignored while fewer instances can be picked. Default 1; Envoy's is 6. */
  readonly minInstances?: number | undefined
}

/** Uses a fixed small part of all instances, so that the process opens few connections. */
export interface SubsetOptions {
  /** How many instances the subset has. */
  readonly size: number
  /**
   * The id of this process, which decides the subset. The default is random: it changes with a
   * restart.
   */
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
  /** Prefers instances of this zone. Default: zones are ignored. */
  readonly zone?: string | ZoneOptions | undefined
  /** Picks from only this many of the instances. Default: from all. */
  readonly subset?: number | SubsetOptions | undefined
  /** New instances get their share of calls gradually. `true`: with the defaults. Default off. */
  readonly slowStart?: SlowStartOptions | boolean | undefined
  /** Instances that fail are ejected for a while. `true`: with the defaults. Default off. */
  readonly outlier?: OutlierOptions | boolean | undefined
  /**
   * While a smaller percentage of the instances is neither failing nor ejected, picks choose from
   * all of them: the others could not take the whole load. Default 50; 0: never.
   */
  readonly panicPercent?: number | undefined
  /** For tests. Default: the system clock; its timers do not keep the process alive. */
  readonly clock?: Clock | undefined
  /** For tests. Default: the system's. */
  readonly random?: Chance | undefined
}

/** What `createBalancer` takes. All optional. */
export interface BalancerOptions extends PickerOptions {
  /**
   * Called after the set of instances that picks choose from has changed. The set excludes
   * instances that are drained, filtered out, or outside the subset. An instance that leaves the
   * set gets no further picks, so this is the time to close connections to it.
   */
  readonly onChange?: ((changes: readonly InstanceChange[]) => void) | undefined
}
