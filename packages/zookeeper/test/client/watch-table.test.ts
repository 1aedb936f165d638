import { beforeEach, describe, expect, test } from 'vitest'
import { WatchTable } from '../../src/client/guards/watch-table.ts'
import type { NodeEvent } from '../../src/client/zookeeper-client.ts'

describe('WatchTable', () => {
  const told: string[] = []
  const listen = (name: string) => (event: NodeEvent) => void told.push(`${name} ${event}`)
  let table: WatchTable

  beforeEach(() => {
    told.length = 0
    table = new WatchTable((listener, event) => listener(event))
  })

  test.each([
    [1, ['data created']],
    [2, ['data deleted', 'children deleted']],
    [3, ['data changed']],
    [4, ['children children']],
    [5, []],
    [-1, []],
  ])('event type %d calls %j', (type, expected) => {
    table.add('data', '/a', listen('data'))
    table.add('children', '/a', listen('children'))
    table.add('data', '/b', listen('other'))
    table.fire({ type, path: '/a' })
    table.fire({ type, path: '/a' })
    expect(told).toEqual(expected)
    expect(table.size).toBe(3 - expected.length)
  })

  test('one function is called once, several in order', () => {
    const both = listen('both')
    table.add('data', '/a', both)
    table.add('data', '/a', both)
    table.add('children', '/a', both)
    table.add('children', '/a', listen('second'))
    table.fire({ type: 2, path: '/a' })
    expect(told).toEqual(['both deleted', 'second deleted'])
  })

  test('when all are lost each is called, and those added during the calls stay', () => {
    table.add('data', '/a', () => {
      told.push('first lost')
      table.add('data', '/a', listen('later'))
    })
    table.add('children', '/b', listen('second'))
    table.lose()
    expect(told).toEqual(['first lost', 'second lost'])
    expect(table.size).toBe(1)
  })
})
