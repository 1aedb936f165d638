import { abortable, createDriverContext, type Observation, type Scope } from '@sd/core/driver'
import { expect, test } from 'vitest'
import { ChangeFeed, type ChangeStream } from '../src/client/change-feed.ts'
import type { StoreClient } from '../src/client/store-client.ts'
import { observe, type Observer } from '../src/sqlite-observe.ts'
import type { Changes, HistoryPosition } from '../src/worker/store-api.ts'

const position = (revision: number): HistoryPosition => ({ epoch: '0123456789abcdef-7', revision })

/**
 * A store whose answers the test gives; concurrent calls for the same position share one answer.
 */
const slowStore = () => {
  const answers = new Map<string, PromiseWithResolvers<unknown>>()
  const asked: unknown[][] = []
  const waiting = (method: string): PromiseWithResolvers<unknown> => {
    const one = answers.get(method) ?? Promise.withResolvers<unknown>()
    answers.set(method, one)
    return one
  }
  const context = createDriverContext()
  const client = {
    path: '/no-such-folder/registry.db',
    call: (_: string, signal: AbortSignal, ...call: [string, ...unknown[]]): Promise<unknown> => {
      asked.push(call)
      return abortable(waiting(call[0]).promise, signal)
    },
  } as unknown as StoreClient
  const feed = new ChangeFeed(client)
  const observer: Observer = { client, feed, format: context.format }
  const answer = (method: string, value: unknown): void => {
    waiting(method).resolve(value)
    answers.delete(method)
  }
  return { observer, asked, answer }
}

const touched = (revision: number): Changes => ({
  position: position(revision),
  touched: [{ key: 'orders/1', document: undefined }],
})

test('an observation whose reader leaves during a change does not end the others', async () => {
  const { observer, answer } = slowStore()
  const observing = (scope: Scope, signal: AbortSignal): AsyncIterator<Observation> =>
    observe(observer, scope, undefined, signal)[Symbol.asyncIterator]()
  const leaving = new AbortController()
  const staying = new AbortController()
  const names = observing({ services: true }, leaving.signal)
  const orders = observing({ service: 'orders' }, staying.signal)
  answer('read', { position: position(1), records: [] })
  expect((await names.next()).value).toMatchObject({ type: 'snapshot' })
  expect((await orders.next()).value).toMatchObject({ type: 'snapshot' })
  // the names are read once more, and the reader leaves during that read
  answer('follow', touched(2))
  await new Promise(setImmediate)
  leaving.abort(new Error('left'))
  await expect(names.next()).rejects.toThrow('left')
  expect((await orders.next()).value).toMatchObject({ type: 'changes', removed: ['orders/1'] })
  staying.abort()
})

test('a stream that is opened during a poll misses none of its changes', async () => {
  const { observer, asked, answer } = slowStore()
  const { feed } = observer
  const applied = Promise.withResolvers<void>()
  const applying = Promise.withResolvers<void>()
  const early: ChangeStream = {
    apply: () => {
      applying.resolve()
      return applied.promise
    },
    alive: () => {},
    fail: () => {},
  }
  const late: ChangeStream = { ...early, apply: () => {} }
  feed.add(early, position(8))
  answer('follow', touched(12))
  await applying.promise
  feed.add(late, position(10))
  applied.resolve()
  await expect.poll(() => asked.length).toBe(2)
  const again = asked[1]?.[1] as HistoryPosition | undefined
  expect(again?.revision).toBeLessThanOrEqual(10)
  for (const stream of [early, late]) feed.delete(stream)
})
