import type { ServiceInstance } from '@sd/core'

/**
 * Why the record of an instance excludes it from calls, as errors say it; `undefined` if it takes
 * calls. No other code decides this, except that `Panic` decides whether the health counts.
 */
export const refusalOf = ({ weight, endpoints }: ServiceInstance): string | undefined => {
  if (weight === 0) return 'drained (weight 0)'
  // records of other programs may lack endpoints
  if (endpoints.length === 0) return 'without any endpoint'
  return undefined
}
