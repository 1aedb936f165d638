import { beforeEach, describe, expect, test } from 'vitest'
import { WatchTable } from '../../../src/client/connection/watch-table.ts'
import type { NodeEvent, TreeEvent } from '../../../src/client/zookeeper-client.ts'

describe('WatchTable', () => {
  const told: string[] = []
  const listen = (name: string) => (event: NodeEvent) => void told.push(`${name} ${event}`)
  let table: WatchTable

  beforeEach(() => {
    told.length = 0
    table = new WatchTable((call) => call())
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

  describe('a tree', () => {
    const listenTree = (name: string) => (event: TreeEvent) =>
      void told.push(event.type === 'lost' ? `${name} lost` : `${name} ${event.type} ${event.path}`)

    test('reports its own node and all below it, again and again', () => {
      table.addTree('/a', listenTree('tree'))
      for (const path of ['/a', '/a/b', '/a/b/c', '/ab', '/', '/b/a']) table.fire({ type: 3, path })
      table.fire({ type: 1, path: '/a/b' })
      table.fire({ type: 2, path: '/a/b' })
      // the change of a list of children follows from the child's own event
      table.fire({ type: 4, path: '/a' })
      expect(told).toEqual([
        'tree changed /a',
        'tree changed /a/b',
        'tree changed /a/b/c',
        'tree created /a/b',
        'tree deleted /a/b',
      ])
    })

    test('of the root has every node, also below another tree and a watch', () => {
      table.addTree('/', listenTree('root'))
      table.addTree('/a', listenTree('tree'))
      table.add('data', '/a/b', listen('data'))
      table.fire({ type: 2, path: '/a/b' })
      expect(told).toEqual(['data deleted', 'tree deleted /a/b', 'root deleted /a/b'])
    })

    test('is replaced, removed with the other watches of its node, and lost', () => {
      table.addTree('/a', listenTree('first'))
      table.addTree('/a', listenTree('second'))
      table.addTree('/b', listenTree('other'))
      table.add('data', '/a', listen('data'))
      table.add('children', '/a', listen('children'))
      table.fire({ type: 3, path: '/a/b' })
      table.remove('/a')
      table.fire({ type: 2, path: '/a' })
      table.lose()
      expect(told).toEqual(['second changed /a/b', 'other lost'])
      expect(table.size).toBe(0)
    })
  })
})
