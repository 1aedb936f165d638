import { expect, test } from 'vitest'
import type { TreeListener } from '../src/client/zookeeper-client.ts'
import { type TreeCalls, TreeWatches } from '../src/reader/tree-watches.ts'

const { signal } = new AbortController()

const createServer = () => {
  const log: string[] = []
  const listeners = new Map<string, TreeListener>()
  const calls: TreeCalls = {
    addWatch: async (path, listener) => {
      log.push(`add ${path}`)
      listeners.set(path, listener)
    },
    removeWatches: async (path) => {
      log.push(`remove ${path}`)
      listeners.delete(path)
    },
  }
  const change = (tree: string, path: string): void =>
    listeners.get(tree)?.({ type: 'changed', path })
  return { log, calls, change, watches: new TreeWatches(calls, signal) }
}

test('one watch serves all observations of a node, and the last one removes it', async () => {
  const { log, change, watches } = createServer()
  const told: string[] = []
  {
    using first = watches.subscribe(signal)
    await first.follow('/a', ({ path }) => told.push(`first ${path}`))
    await first.follow('/a', () => told.push('twice'))
    {
      using second = watches.subscribe(signal)
      await second.follow('/a', ({ path }) => told.push(`second ${path}`))
      change('/a', '/a/x')
    }
    change('/a', '/a/y')
    expect(log).toEqual(['add /a'])
  }
  expect(told).toEqual(['first /a/x', 'second /a/x', 'first /a/y'])
  expect(log).toEqual(['add /a', 'remove /a'])
  expect(watches.size).toBe(0)
  using next = watches.subscribe(signal)
  await next.follow('/a', () => {})
  expect(log).toEqual(['add /a', 'remove /a', 'add /a'])
  next.unfollow('/a')
  next.unfollow('/a')
  expect(log.slice(3)).toEqual(['remove /a'])
})

test('a watch that could not be set is set again by the next observation', async () => {
  const { calls, log, watches } = createServer()
  const { addWatch } = calls
  calls.addWatch = () => Promise.reject(new Error('lost'))
  using trees = watches.subscribe(signal)
  await expect(trees.follow('/a', () => {})).rejects.toThrow('lost')
  calls.addWatch = addWatch
  await trees.follow('/a', () => {})
  expect(log).toEqual(['remove /a', 'add /a'])
})

test('an observation that ends while its watch is being set leaves none behind', async () => {
  const { calls, log, watches } = createServer()
  const ended = new AbortController()
  const { promise, resolve } = Promise.withResolvers<void>()
  calls.addWatch = () => promise
  using trees = watches.subscribe(ended.signal)
  const following = trees.follow('/a', () => {})
  ended.abort(new Error('ended'))
  await expect(following).rejects.toThrow('ended')
  resolve()
  expect(log).toEqual(['remove /a'])
  expect(watches.size).toBe(0)
})
