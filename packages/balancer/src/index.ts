/**
 * Picks the instance of a service that a call goes to.
 * @module
 */
export { type Balancer, createBalancer } from './balancer.ts'
export type { BalancerOptions, PickerOptions, StrategyName } from './options/picker-options.ts'
export type { Outcome, Pick, PickOptions } from './pick.ts'
export { createPicker, type Picker } from './picker.ts'
export { RetryBudget, type RetryBudgetOptions } from './retry-budget.ts'
