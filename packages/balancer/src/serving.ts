import type { ServiceInstance } from '@sd/core'

/**
 * Why an instance takes no calls by its own word, as an error says it; `undefined`: it takes some.
 * The one place that decides it.
 */
export const refusalOf = ({ weight, endpoints }: ServiceInstance): string | undefined => {
  if (weight === 0) return 'drained (weight 0)'
  // what others wrote need not have any
  if (endpoints.length === 0) return 'without any endpoint'
  return undefined
}
