import type {
  FailurePercentageOptions,
  OutlierOptions,
  ResolvedOutlier,
  SuccessRateOptions,
} from '../outlier/outlier-options.ts'
import type { OptionCheck } from './option-check.ts'

const maxMs = 2 ** 31 - 1
const maxCount = 1_000_000_000

const resolveSuccessRate = (
  check: OptionCheck,
  given: SuccessRateOptions | false,
): ResolvedOutlier['successRate'] => {
  if (given === false) return false
  const field = 'outlier.successRate'
  check.object(field, given, ['stdevFactor', 'minInstances', 'minCalls'])
  return {
    stdevFactor: check.number(`${field}.stdevFactor`, given.stdevFactor, 1.9, 0, 100),
    minInstances: check.whole(`${field}.minInstances`, given.minInstances, 5, 0, maxCount),
    minCalls: check.whole(`${field}.minCalls`, given.minCalls, 100, 0, maxCount),
  }
}

const resolveFailurePercentage = (
  check: OptionCheck,
  given: FailurePercentageOptions | false,
): ResolvedOutlier['failurePercentage'] => {
  if (given === false) return false
  const field = 'outlier.failurePercentage'
  check.object(field, given, ['thresholdPercent', 'minInstances', 'minCalls'])
  const { thresholdPercent } = given
  return {
    thresholdPercent: check.number(`${field}.thresholdPercent`, thresholdPercent, 85, 0, 100),
    minInstances: check.whole(`${field}.minInstances`, given.minInstances, 5, 0, maxCount),
    minCalls: check.whole(`${field}.minCalls`, given.minCalls, 50, 0, maxCount),
  }
}

/** Fills in the defaults of outlier detection. `invalid-config` names the field at fault. */
export const resolveOutlier = (
  check: OptionCheck,
  option: OutlierOptions | boolean,
): ResolvedOutlier | undefined => {
  if (option === false) return undefined
  const given = option === true ? {} : option
  check.object('outlier', given, [
    'intervalMs',
    'baseEjectionMs',
    'maxEjectionMs',
    'maxEjectionPercent',
    'consecutiveErrors',
    'successRate',
    'failurePercentage',
  ])
  const { consecutiveErrors, successRate = {}, failurePercentage = {} } = given
  const time = (key: 'intervalMs' | 'baseEjectionMs' | 'maxEjectionMs', fallback: number) =>
    check.number(`outlier.${key}`, given[key], fallback, 1, maxMs)
  return {
    intervalMs: time('intervalMs', 10_000),
    baseEjectionMs: time('baseEjectionMs', 30_000),
    maxEjectionMs: time('maxEjectionMs', 300_000),
    maxEjectionPercent: check.number(
      'outlier.maxEjectionPercent',
      given.maxEjectionPercent,
      10,
      0,
      100,
    ),
    consecutiveErrors:
      consecutiveErrors !== false &&
      check.whole('outlier.consecutiveErrors', consecutiveErrors, 5, 1, maxCount),
    successRate: resolveSuccessRate(check, successRate),
    failurePercentage: resolveFailurePercentage(check, failurePercentage),
  }
}
