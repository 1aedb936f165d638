import { describe, expect, it } from 'vitest'
import { Keys, recordKeyOf } from '../src/keys.ts'

const names = [
  'orders',
  'Orders',
  'ORDERS',
  'a_b',
  'a__b',
  'a_5fb',
  'a/b',
  'a',
  'b',
  '.',
  '..',
  '%2f',
  ' ',
  '_',
  '__',
  '-',
  'é',
  '名前',
  '🚀',
  'nul\0byte',
  'x'.repeat(255),
]
const namespaces = ['services', 'Services', 'a', 'a/b', 'a__b', 'orders']

describe('Keys', () => {
  it('keeps an ordinary name in the default namespace unchanged, for DNS', () => {
    const keys = new Keys('services')
    expect(keys.serviceName('orders-v2')).toBe('orders-v2')
    expect(keys.serviceId({ service: 'orders', id: 'orders-1' })).toBe('orders__orders-1')
    expect(new Keys('prod').serviceName('orders')).toBe('prod__orders')
  })

  it('is injective without regard to case, and only of letters, digits, - and _', () => {
    const serviceNames = new Set<string>()
    const serviceIds = new Set<string>()
    for (const namespace of namespaces) {
      const keys = new Keys(namespace)
      for (const service of names) {
        serviceNames.add(keys.serviceName(service).toLowerCase())
        for (const id of names) serviceIds.add(keys.serviceId({ service, id }).toLowerCase())
      }
    }
    expect(serviceNames.size).toBe(namespaces.length * names.length)
    expect(serviceIds.size).toBe(namespaces.length * names.length ** 2)
    for (const id of serviceIds) expect(id).toMatch(/^[a-z0-9_-]+$/)
  })

  it('decodes its own names, and none of another namespace', () => {
    for (const namespace of namespaces) {
      const keys = new Keys(namespace)
      for (const service of names) {
        expect(keys.serviceOf(keys.serviceName(service))).toBe(service)
        for (const id of names)
          expect(keys.instanceOf(keys.serviceId({ service, id }))).toEqual({ service, id })
        for (const other of namespaces.filter((name) => name !== namespace))
          expect(keys.serviceOf(new Keys(other).serviceName(service))).toBeUndefined()
      }
    }
  })

  it('decodes no foreign name', () => {
    const keys = new Keys('services')
    for (const foreign of ['Web', 'a_zz', '', 'web.v1'])
      expect(keys.serviceOf(foreign)).toBeUndefined()
    for (const foreign of ['web', 'web-1', 'a__b__c', '__x', 'x__'])
      expect(keys.instanceOf(foreign)).toBeUndefined()
    expect(recordKeyOf('n1', 'a__b')).not.toBe(recordKeyOf('n2', 'a__b'))
  })
})
