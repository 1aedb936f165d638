import { describe, expect, test } from 'vitest'
import { weightedOrder } from '../src/commands/resolve.ts'

const instance = (id: string, weight: number, endpoints = [`http://${id}:80`]) => ({
  service: 'orders',
  id,
  endpoints,
  weight,
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

describe('weighted order', () => {
  test('puts each first by its share of the weight', () => {
    const instances = [instance('a', 10), instance('b', 30), instance('c', 60)]
    const random = uniform()
    const first = new Map<string, number>()
    const rounds = 20_000
    for (let round = 0; round < rounds; round++) {
      const id = weightedOrder(instances, undefined, random)[0]?.id ?? ''
      first.set(id, (first.get(id) ?? 0) + 1)
    }
    expect((first.get('a') ?? 0) / rounds).toBeCloseTo(0.1, 1)
    expect((first.get('b') ?? 0) / rounds).toBeCloseTo(0.3, 1)
    expect((first.get('c') ?? 0) / rounds).toBeCloseTo(0.6, 1)
  })

  test('names each once, and leaves the drained out', () => {
    const instances = [instance('a', 1), instance('b', 0), instance('c', 65_535)]
    const ids = weightedOrder(instances, undefined).map(({ id }) => id)
    expect(ids.toSorted()).toEqual(['a', 'c'])
  })

  test('keeps to the scheme, and leaves out what is no URL on one line', () => {
    const instances = [
      instance('a', 1, ['grpc://a:1', 'HTTP://a:2', 'https://a:3', 'http://a:4\nhttp://evil']),
      instance('b', 1, ['no url', 'http://b/\u001B[2J', 'http://b/\u202Emoc']),
    ]
    expect(weightedOrder(instances, 'http').map(({ endpoint }) => endpoint)).toEqual(['HTTP://a:2'])
    expect(weightedOrder(instances, undefined)).toHaveLength(3)
  })
})
