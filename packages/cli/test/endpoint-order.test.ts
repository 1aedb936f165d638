import { describe, expect, test } from 'vitest'
import { endpointOrder } from '../src/commands/resolve.ts'

const instance = (id: string, weight: number, endpoints = [`http://${id}:80`]) => ({
  service: 'orders',
  id,
  endpoints,
  weight,
  health: 'passing',
  tags: [],
  metadata: {},
})

/** A uniform sequence that is the same in every run. */
const uniform = (): (() => number) => {
  let state = 1
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

const service = 'orders'

describe('the order of endpoints', () => {
  test('puts each first in proportion to its weight', () => {
    const instances = [instance('a', 10), instance('b', 30), instance('c', 60)]
    const random = uniform()
    const first = new Map<string, number>()
    const rounds = 4_000
    for (let round = 0; round < rounds; round++) {
      const id = endpointOrder(instances, { service, random: { next: random } })[0]?.id ?? ''
      first.set(id, (first.get(id) ?? 0) + 1)
    }
    expect((first.get('a') ?? 0) / rounds).toBeCloseTo(0.1, 1)
    expect((first.get('b') ?? 0) / rounds).toBeCloseTo(0.3, 1)
    expect((first.get('c') ?? 0) / rounds).toBeCloseTo(0.6, 1)
  })

  test('omits instances that are not passing, unless too few pass', () => {
    const [a, b, c] = [instance('a', 1), instance('b', 1), instance('c', 1)]
    const idsOf = (...given: readonly (typeof a)[]): readonly string[] =>
      endpointOrder(given, { service })
        .map(({ id }) => id)
        .toSorted()
    expect(idsOf(a, b, { ...c, health: 'failing' })).toEqual(['a', 'b'])
    expect(idsOf(a, { ...b, health: 'draining' })).toEqual(['a'])
    expect(idsOf(a, { ...b, health: 'failing' }, { ...c, health: 'failing' })).toEqual([
      'a',
      'b',
      'c',
    ])
  })

  test('contains each once, without drained ones', () => {
    const instances = [instance('a', 1), instance('b', 0), instance('c', 65_535)]
    const ids = endpointOrder(instances, { service }).map(({ id }) => id)
    expect(ids.toSorted()).toEqual(['a', 'c'])
  })

  test('contains only the requested scheme, and no endpoint that is not a URL on one line', () => {
    const instances = [
      instance('a', 1, ['grpc://a:1', 'HTTP://a:2', 'https://a:3', 'http://a:4\nhttp://evil']),
      instance('b', 1, ['no url', 'http://b/\u001B[2J', 'http://b/\u202Emoc']),
    ]
    expect(
      endpointOrder(instances, { service, scheme: 'http' }).map(({ endpoint }) => endpoint),
    ).toEqual(['HTTP://a:2'])
    expect(endpointOrder(instances, { service })).toHaveLength(3)
  })

  test('contains only instances that match the filter', () => {
    const instances = [
      { ...instance('a', 1), version: '1.4.0', tags: ['canary'] },
      { ...instance('b', 1), version: '2.0.0', tags: ['canary'] },
      { ...instance('c', 1), version: '1.5.0' },
    ]
    const filter = { version: '^1', tags: ['canary'] }
    expect(endpointOrder(instances, { service, filter }).map(({ id }) => id)).toEqual(['a'])
  })

  test('takes 10,000 instances', () => {
    const instances = Array.from({ length: 10_000 }, (_, index) => instance(`i${index}`, index + 1))
    expect(endpointOrder(instances, { service })).toHaveLength(10_000)
  })
})
