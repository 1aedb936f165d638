import type { CallCounts } from './call-counts.ts'
import type { ResolvedOutlier } from './outlier-options.ts'

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
