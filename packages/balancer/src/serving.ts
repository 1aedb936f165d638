import type { ServiceInstance } from '@sd/core'

/**
 * Whether an instance takes calls at all, by its own word. The one place that decides it: weight 0
 * is drained.
 */
export const isServing = ({ weight }: ServiceInstance): boolean => weight > 0
