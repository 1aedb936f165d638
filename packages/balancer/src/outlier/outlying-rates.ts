import type { CallCounts } from './call-counts.ts'
import type { ResolvedOutlier } from './outlier-options.ts'

/**
 * Returns the members whose success rate in the last interval was below mean − `stdevFactor` ×
 * standard deviation, among those that had `minCalls` calls. gRFC A50, "success rate".
 */
export const lowSuccessRates = <T>(
  all: readonly (readonly [T, CallCounts])[],
  { stdevFactor, minInstances, minCalls }: Exclude<ResolvedOutlier['successRate'], false>,
): readonly T[] => {
  const rates = all
    .filter(([, counts]) => counts.lastCalls > 0 && counts.lastCalls >= minCalls)
    .map(([item, counts]) => ({ item, rate: counts.lastSuccesses / counts.lastCalls }))
  if (rates.length === 0 || rates.length < minInstances) return []
  const mean = rates.reduce((sum, { rate }) => sum + rate, 0) / rates.length
  const variance = rates.reduce((sum, { rate }) => sum + (rate - mean) ** 2, 0) / rates.length
  const least = mean - stdevFactor * Math.sqrt(variance)
  return rates.filter(({ rate }) => rate < least).map(({ item }) => item)
}

/**
 * Returns the members of which more than `thresholdPercent` of the calls failed in the last
 * interval, among those that had `minCalls` calls. gRFC A50, "failure percentage".
 */
export const highFailurePercentages = <T>(
  all: readonly (readonly [T, CallCounts])[],
  {
    thresholdPercent,
    minInstances,
    minCalls,
  }: Exclude<ResolvedOutlier['failurePercentage'], false>,
): readonly T[] => {
  const asked = all.filter(([, counts]) => counts.lastCalls > 0 && counts.lastCalls >= minCalls)
  if (asked.length < minInstances) return []
  return asked
    .filter(([, counts]) => (100 * counts.lastFailures) / counts.lastCalls > thresholdPercent)
    .map(([item]) => item)
}
