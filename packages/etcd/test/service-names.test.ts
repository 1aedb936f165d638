import { jsonFormat } from '@sd/core/driver'
import { describe, expect, it } from 'vitest'
import { ServiceNames } from '../src/service-names.ts'

const events = (...entries: [string, 'put' | 'delete'][]) =>
  new Map(entries.map(([key, type]) => [key, { type }]))

describe('ServiceNames', () => {
  it('contains a service from its first key to its last', () => {
    const services = new ServiceNames(jsonFormat)
    services.add('orders/1')
    expect(services.names).toEqual(['orders'])
    expect(services.apply(events(['orders/2', 'put'], ['users/1', 'put']))).toEqual({
      services: ['users'],
      removedServices: [],
    })
    expect(services.apply(events(['orders/1', 'delete']))).toEqual({
      services: [],
      removedServices: [],
    })
    expect(services.apply(events(['orders/2', 'delete']))).toEqual({
      services: [],
      removedServices: ['orders'],
    })
    expect(services.names).toEqual(['users'])
  })

  it('returns the net effect of one batch', () => {
    const services = new ServiceNames(jsonFormat)
    services.add('orders/1')
    const batch = events(['orders/1', 'delete'], ['orders/2', 'put'], ['no service', 'put'])
    expect(services.apply(batch)).toEqual({ services: [], removedServices: [] })
    expect(services.apply(events(['gone/1', 'delete']))).toEqual({
      services: [],
      removedServices: [],
    })
  })
})
