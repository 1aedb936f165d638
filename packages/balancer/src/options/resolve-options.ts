import type { Clock } from '@sd/core'
import { type Chance, systemChance } from '../chance.ts'
import type { FilterOption } from '../filter/instance-filter.ts'
import type { ResolvedOutlier } from '../outlier/outlier-options.ts'
import type { ResolvedSlowStart } from '../slow-start.ts'
import type { ResolvedStrategy } from '../strategies/strategy-options.ts'
import { systemClock } from '../system-clock.ts'
import type { OptionCheck } from './option-check.ts'
import type { PickerOptions } from './picker-options.ts'
import { resolveOutlier } from './resolve-outlier.ts'
import { resolveStrategy } from './resolve-strategy.ts'

/** The options, checked, with every default filled in. */
export interface ResolvedOptions {
  readonly service: string | undefined
  readonly strategy: ResolvedStrategy
  readonly filter: FilterOption | undefined
  readonly zone: { readonly local: string; readonly minInstances: number } | undefined
  readonly subset: { readonly size: number; readonly clientId: string } | undefined
  readonly slowStart: ResolvedSlowStart | undefined
  readonly outlier: ResolvedOutlier | undefined
  readonly panicPercent: number
  readonly clock: Clock
  readonly random: Chance
}

/** The keys of `PickerOptions`. */
export const pickerOptionKeys: readonly (keyof PickerOptions)[] = [
  'service',
  'strategy',
  'filter',
  'zone',
  'subset',
  'slowStart',
  'outlier',
  'panicPercent',
  'clock',
  'random',
]

/** Accepts what tests inject, without looking into it. */
const injected = <T>(check: OptionCheck, field: string, value: T): T => {
  if (value === undefined || (typeof value === 'object' && value !== null)) return value
  return check.refuse(field, value, 'an object')
}

const resolveZone = (
  check: OptionCheck,
  zone: Exclude<PickerOptions['zone'], undefined>,
): ResolvedOptions['zone'] => {
  if (typeof zone === 'string') return { local: check.text('zone', zone), minInstances: 1 }
  check.object('zone', zone, ['local', 'minInstances'])
  return {
    local: check.text('zone.local', zone.local),
    minInstances: check.whole('zone.minInstances', zone.minInstances, 1, 1, 1_000_000),
  }
}

const resolveSubset = (
  check: OptionCheck,
  subset: Exclude<PickerOptions['subset'], undefined>,
  random: Chance,
): ResolvedOptions['subset'] => {
  const given = typeof subset === 'number' ? { size: subset } : subset
  check.object('subset', given, ['size', 'clientId'])
  const field = typeof subset === 'number' ? 'subset' : 'subset.size'
  // `size` has no default
  const size = check.whole(field, given.size ?? null, 0, 1, 1_000_000)
  const { clientId = String(random.next()) } = given
  return { size, clientId: check.text('subset.clientId', clientId) }
}

const resolveSlowStart = (
  check: OptionCheck,
  slowStart: Exclude<PickerOptions['slowStart'], undefined>,
): ResolvedOptions['slowStart'] => {
  if (slowStart === false) return undefined
  const given = slowStart === true ? {} : slowStart
  check.object('slowStart', given, ['windowMs', 'aggression', 'minWeightPercent'])
  const { windowMs, aggression, minWeightPercent } = given
  return {
    windowMs: check.number('slowStart.windowMs', windowMs, 30_000, 1, 2 ** 31 - 1),
    aggression: check.number('slowStart.aggression', aggression, 1, 0.1, 10),
    minWeightPercent: check.number('slowStart.minWeightPercent', minWeightPercent, 10, 0.1, 100),
  }
}

/** Checks every option except the filter. `invalid-config` names the one at fault. */
export const resolveOptions = (check: OptionCheck, options: PickerOptions): ResolvedOptions => {
  const { service, strategy, filter, zone, subset, slowStart, outlier } = options
  const random = injected(check, 'random', options.random) ?? systemChance
  return {
    service: service === undefined ? undefined : check.text('service', service),
    strategy: resolveStrategy(check, strategy ?? 'p2c'),
    filter,
    zone: zone === undefined ? undefined : resolveZone(check, zone),
    subset: subset === undefined ? undefined : resolveSubset(check, subset, random),
    slowStart: slowStart === undefined ? undefined : resolveSlowStart(check, slowStart),
    outlier: outlier === undefined ? undefined : resolveOutlier(check, outlier),
    panicPercent: check.number('panicPercent', options.panicPercent, 50, 0, 100),
    clock: injected(check, 'clock', options.clock) ?? systemClock,
    random,
  }
}
