import type { InstanceChange, ServiceInstance } from '@sd/core'
import { describe, expect, test } from 'vitest'
import { CallableInstances } from '../src/policy/callable-instances.ts'
import { differences, ServiceView } from '../src/resolver/service-view.ts'

const instance = (id: string, weight = 1, scheme = 'grpc'): ServiceInstance => ({
  service: 'orders',
  id,
  endpoints: [`${scheme}://h:1`],
  weight,
  health: 'passing',
  tags: [],
  metadata: {},
})
const added = (one: ServiceInstance): InstanceChange => ({ type: 'added', instance: one })
const removed = (one: ServiceInstance): InstanceChange => ({ type: 'removed', instance: one })
const short = (changes: readonly InstanceChange[] | undefined): readonly string[] | undefined =>
  changes?.map((change) => `${change.type} ${change.instance.id}`)

describe('ServiceView', () => {
  test('returns the changes from a version to the present one, as far as they are kept', () => {
    const view = new ServiceView()
    const [a, b] = [instance('a'), instance('b')]
    expect(view.changesSince(0)).toEqual([])
    view.apply([added(a)])
    view.apply([])
    view.apply([added(b)])
    view.apply([removed(a)])
    expect([view.version, view.size]).toEqual([3, 1])
    expect(short(view.changesSince(3))).toEqual([])
    expect(short(view.changesSince(2))).toEqual(['removed a'])
    expect(short(view.changesSince(0))).toEqual(['added a', 'added b', 'removed a'])
    expect(view.changesSince(-1)).toBeUndefined()
    for (let change = 0; change < 100; change += 1) view.apply([added(instance('b', change))])
    expect(view.changesSince(0)).toBeUndefined()
    expect(view.changesSince(view.version - 20)).toHaveLength(20)
  })

  test('can be replaced, which counts as a change', () => {
    const view = new ServiceView()
    const [a, b, c] = [instance('a'), instance('b'), instance('c')]
    view.apply([added(a), added(b)])
    const lighter = instance('a', 0)
    view.replace([lighter, c])
    expect(short(view.changesSince(1))).toEqual(['updated a', 'added c', 'removed b'])
    view.replace([lighter, c])
    expect(view.version).toBe(2)
    expect([...view.instances]).toEqual([lighter, c])
  })
})

test('differences lead from one set to the other', () => {
  const [a, b] = [instance('a'), instance('b')]
  expect(differences(new Map([['a', a]]), [a])).toEqual([])
  expect(short(differences(new Map([['a', a]]), [b]))).toEqual(['added b', 'removed a'])
})

describe('CallableInstances', () => {
  test('follow a view by its changes, several for one instance as well', () => {
    const view = new ServiceView()
    const callable = new CallableInstances(['grpc', 'grpcs'])
    const web = instance('a', 1, 'http')
    view.apply([added(instance('a')), added(instance('b', 1, 'http'))])
    expect(short(callable.follow(view))).toEqual(['added a'])
    view.apply([{ type: 'updated', instance: web, previous: instance('a') }])
    view.apply([added(instance('c', 1, 'grpcs'))])
    view.apply([removed(instance('c', 1, 'grpcs'))])
    view.apply([{ type: 'updated', instance: instance('a'), previous: web }])
    expect(short(callable.follow(view))).toEqual(['removed a', 'added c', 'removed c', 'added a'])
    expect(short(callable.follow(view))).toEqual([])
    expect(callable.size).toBe(1)
  })

  test('compare with another view, and when they are far behind', () => {
    const callable = new CallableInstances(['grpc'])
    const first = new ServiceView()
    first.apply([added(instance('a')), added(instance('b'))])
    callable.follow(first)
    const second = new ServiceView()
    second.apply([added(instance('b', 7)), added(instance('c'))])
    expect(short(callable.follow(second))).toEqual(['updated b', 'added c', 'removed a'])
    for (let change = 0; change < 100; change += 1) second.apply([added(instance('c', change))])
    expect(short(callable.follow(second))).toEqual(['updated c'])
  })
})
