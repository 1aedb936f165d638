import { describe, expect, it } from 'vitest'
import type { NodeListener } from '../src/client/zookeeper-client.ts'
import { Watches, type WatchingReads } from '../src/reader/watches.ts'

const node = { data: new Uint8Array(), stat: {} } as never
const { signal } = new AbortController()

/** Answers every read, and keeps the listeners that are set. */
const reading = (): { reads: WatchingReads; set: NodeListener[] } => {
  const set: NodeListener[] = []
  const answer = async (_path: string, _signal: AbortSignal, watch?: NodeListener) => {
    if (watch) set.push(watch)
    return node
  }
  return { reads: { get: answer, exists: answer, children: answer }, set }
}

describe('Watches', () => {
  it('sets one watch for all followers of a node, and calls each of them once', async () => {
    const { reads, set } = reading()
    const watches = new Watches(reads)
    const told: number[] = []
    const subscriptions = [0, 1, 2].map(() => watches.subscribe(signal))
    for (const [index, each] of subscriptions.entries())
      await each.get('/a', () => told.push(index))
    expect(set).toHaveLength(1)
    set[0]?.('changed')
    set[0]?.('changed')
    expect(told).toEqual([0, 1, 2])
  })

  it('calls no follower that has left, and lets the next one share the remaining watch', async () => {
    const { reads, set } = reading()
    const watches = new Watches(reads)
    const told: string[] = []
    {
      using left = watches.subscribe(signal)
      await left.children('/a', () => told.push('left'))
    }
    using next = watches.subscribe(signal)
    await next.children('/a', () => told.push('next'))
    expect(set).toHaveLength(1)
    set[0]?.('children')
    expect(told).toEqual(['next'])
  })

  it('relies on no watch before the read that sets it is answered', async () => {
    const set: NodeListener[] = []
    const answers: ((there: boolean) => void)[] = []
    const get: WatchingReads['get'] = (_path, _signal, watch) =>
      new Promise((resolve, reject) => {
        answers.push((there) => {
          if (!there) return reject(new Error('NO_NODE'))
          if (watch) set.push(watch)
          resolve(node)
        })
      })
    const watches = new Watches({ ...reading().reads, get })
    const told: string[] = []
    const first = watches.subscribe(signal).get('/a', () => told.push('first'))
    const second = watches.subscribe(signal).get('/a', () => told.push('second'))
    // the node was created between the two reads
    answers[0]?.(false)
    await expect(first).rejects.toThrow('NO_NODE')
    answers[1]?.(true)
    await second
    expect(set).toHaveLength(1)
    set[0]?.('changed')
    expect(told).toEqual(['second'])
  })
})
