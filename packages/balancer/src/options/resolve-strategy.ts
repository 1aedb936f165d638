import { show, suggestion } from '@sd/core'
import {
  type ResolvedStrategy,
  type StrategyName,
  strategyNames,
  type StrategyOptions,
} from '../strategies/strategy-options.ts'
import type { OptionCheck } from './option-check.ts'

const keys: Readonly<Record<StrategyName, readonly string[]>> = {
  p2c: [],
  'round-robin': [],
  weighted: [],
  random: [],
  'peak-ewma': ['decayMs'],
  'consistent-hash': ['points', 'loadFactor'],
  sticky: ['maxKeys'],
}

const isName = (name: string): name is StrategyName => Object.hasOwn(keys, name)

const checkName = (check: OptionCheck, field: string, name: unknown): StrategyName => {
  if (typeof name !== 'string') return check.refuse(field, name, strategyNames.join(', '))
  if (isName(name)) return name
  return check.fail(`${field} ${show(name)} is unknown${suggestion(name, strategyNames)}`)
}

/** Fills in the defaults of the strategy. `invalid-config` names the field at fault. */
export const resolveStrategy = (
  check: OptionCheck,
  option: StrategyName | StrategyOptions,
): ResolvedStrategy => {
  const given =
    typeof option === 'string'
      ? ({ name: checkName(check, 'strategy', option) } as StrategyOptions)
      : option
  if (typeof given !== 'object' || given === null)
    return check.refuse('strategy', given, 'a name, or an object with a name')
  check.object('strategy', given, ['name', ...keys[checkName(check, 'strategy.name', given.name)]])
  switch (given.name) {
    case 'peak-ewma': {
      const decayMs = check.number('strategy.decayMs', given.decayMs, 10_000, 1, 2 ** 31 - 1)
      return { name: given.name, decayMs }
    }
    case 'consistent-hash':
      return {
        name: given.name,
        points: check.whole('strategy.points', given.points, 160, 1, 1_000),
        loadFactor: check.number('strategy.loadFactor', given.loadFactor, 1.25, 1.01, 1_000),
      }
    case 'sticky': {
      const maxKeys = check.whole('strategy.maxKeys', given.maxKeys, 10_000, 1, 10_000_000)
      return { name: given.name, maxKeys }
    }
    case 'p2c':
    case 'round-robin':
    case 'weighted':
    case 'random':
      return { name: given.name }
  }
}
