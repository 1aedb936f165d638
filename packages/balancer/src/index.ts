/**
 * Picks the instance of a service that a call goes to.
 * @module
 */
export { type Balancer, createBalancer } from './balancer.ts'
export type { Chance } from './chance.ts'
export {
  balancerChannel,
  type BalancerEvent,
  type EjectionReason,
  pickChannel,
  type PickEvent,
} from './diagnostics.ts'
export { createFilter } from './filter/compile-filter.ts'
export type { FilterOption, InstanceFilter } from './filter/instance-filter.ts'
export type {
  BalancerOptions,
  PickerOptions,
  SubsetOptions,
  ZoneOptions,
} from './options/picker-options.ts'
export type {
  FailurePercentageOptions,
  OutlierOptions,
  SuccessRateOptions,
} from './outlier/outlier-options.ts'
export type { Outcome, Pick, PickOptions } from './pick.ts'
export { createPicker } from './instance-picker.ts'
export type { Picker } from './picker.ts'
export { RetryBudget, type RetryBudgetOptions } from './retry-budget.ts'
export type { SlowStartOptions } from './slow-start.ts'
export type { StrategyName, StrategyOptions } from './strategies/strategy-options.ts'
