import type { InstanceInput } from '@sd/core'

/** An instance of the service `orders` to register, unless `more` says otherwise. */
export const instance = (id: string, more: Partial<InstanceInput> = {}): InstanceInput => ({
  service: 'orders',
  id,
  endpoints: ['http://10.0.0.7:8080'],
  ...more,
})

/** `prefix0`, `prefix1`, … */
export const ids = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`)
