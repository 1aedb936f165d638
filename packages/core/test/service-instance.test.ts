import { describe, expect, test } from 'vitest'
import {
  freezeInstance,
  knownHealth,
  sameInstance,
  type ServiceInstance,
  weighInstance,
} from '../src/model/service-instance.ts'

const whole: ServiceInstance = {
  service: 'orders',
  id: '1',
  endpoints: ['http://a:1', 'http://b:1'],
  version: '1.0',
  zone: 'eu',
  weight: 1,
  health: 'passing',
  tags: ['x', 'y'],
  metadata: { a: '1', b: '2' },
}

describe('sameInstance', () => {
  test('is true of the same and of equal instances', () => {
    expect(sameInstance(whole, whole)).toBe(true)
    expect(sameInstance(whole, structuredClone(whole))).toBe(true)
    expect(sameInstance(whole, { ...whole, metadata: { b: '2', a: '1' } })).toBe(true)
  })

  test.each<[Partial<ServiceInstance>]>([
    [{ service: 'x' }],
    [{ id: 'x' }],
    [{ version: '2.0' }],
    [{ zone: 'us' }],
    [{ weight: 2 }],
    [{ health: 'failing' }],
    [{ endpoints: ['http://b:1', 'http://a:1'] }],
    [{ endpoints: ['http://a:1'] }],
    [{ endpoints: ['http://a:1', 'http://b:1', 'http://c:1'] }],
    [{ endpoints: ['http://a:1', 'http://c:1'] }],
    [{ tags: ['x'] }],
    [{ tags: ['x', 'z'] }],
    [{ metadata: { a: '1' } }],
    [{ metadata: { a: '1', b: '3' } }],
    [{ metadata: { a: '1', c: '2' } }],
    [{ metadata: { a: '1', b: '2', c: '3' } }],
  ])('is false where %j differs', (change) => {
    expect(sameInstance(whole, { ...whole, ...change })).toBe(false)
    expect(sameInstance({ ...whole, ...change }, whole)).toBe(false)
  })

  test('takes no inherited name for metadata', () => {
    const own = { ...whole, metadata: { toString: '1' } }
    expect(sameInstance(own, { ...whole, metadata: { valueOf: '1' } })).toBe(false)
    const hollow = { ...whole, metadata: { toString: undefined as never } }
    expect(sameInstance(hollow, { ...whole, metadata: { x: '1' } })).toBe(false)
  })
})

test('freezeInstance freezes all levels and returns its argument', () => {
  const instance = structuredClone(whole)
  expect(freezeInstance(instance)).toBe(instance)
  for (const part of [instance, instance.endpoints, instance.tags, instance.metadata])
    expect(Object.isFrozen(part)).toBe(true)
})

test('weighInstance counts every text, and an overhead for each entry', () => {
  const {
    version: _version,
    zone: _zone,
    ...bare
  } = { ...whole, endpoints: [], tags: [], metadata: {} }
  expect(weighInstance(bare)).toBe(120 + 6 + 1)
  expect(weighInstance({ ...bare, version: '1.0', zone: 'eu' })).toBe(120 + 7 + 3 + 2)
  expect(weighInstance({ ...bare, endpoints: ['http://a:1'] })).toBe(127 + 10 + 10)
  expect(weighInstance({ ...bare, tags: ['x', 'yy'] })).toBe(127 + 11 + 12)
  expect(weighInstance({ ...bare, metadata: { ab: 'cde' } })).toBe(127 + 10 + 2 + 3)
})

test('a health that only a later version knows means failing', () => {
  expect(['passing', 'draining', 'failing', 'warming'].map(knownHealth)).toEqual([
    'passing',
    'draining',
    'failing',
    'failing',
  ])
})
