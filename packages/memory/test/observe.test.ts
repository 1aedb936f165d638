import {
  createDriverContext,
  type Cursor,
  jsonFormat,
  toCursor,
  type WireFormat,
} from '@sd/core/driver'
import { memory } from '@sd/memory'
import { expect, test } from 'vitest'
import { Fixture, ids, never, Recorder, ref, request, ttlMs } from './fixture.ts'

const orders = { service: 'orders' } as const

const cursorOf = (observation: unknown): Cursor => (observation as { cursor: Cursor }).cursor

test('a snapshot comes first, also an empty one, then each commit as one observation', async () => {
  const fixture = new Fixture()
  const reader = new Recorder(fixture.driver(), orders)
  expect(await reader.takeOne()).toMatchObject({ type: 'snapshot', records: [], skipped: [] })
  const session = await fixture.session()
  await session.put([request('me', 'a'), request('me', 'b')], never)
  const put = await reader.takeOne()
  expect(put).toMatchObject({ type: 'changes', removed: [] })
  expect(ids(put)).toEqual(['a', 'b'])
  await session.remove([ref('me', 'a'), ref('me', 'b')], never)
  expect(await reader.takeOne()).toMatchObject({
    type: 'changes',
    records: [],
    removed: ['orders/a', 'orders/b'],
  })
})

test('changes of other scopes are not delivered', async () => {
  const fixture = new Fixture()
  const reader = new Recorder(fixture.driver(), { service: 'user' })
  const all = new Recorder(fixture.driver(), { all: true })
  await reader.takeOne()
  await all.takeOne()
  await (await fixture.session()).put([request('me', 'a', { service: 'user-admin' })], never)
  await (
    await fixture.session(fixture.driver('another'))
  ).put([request('me', 'a', { service: 'user' })], never)
  expect(await reader.take()).toEqual([])
  expect(ids(await all.takeOne())).toEqual(['a'])
})

test('a session that expires is a change', async () => {
  const fixture = new Fixture()
  await (await fixture.session()).put([request('me', 'a'), request('me', 'b')], never)
  const reader = new Recorder(fixture.driver(), orders)
  await reader.takeOne()
  await fixture.clock.advance(ttlMs)
  expect(await reader.takeOne()).toMatchObject({ removed: ['orders/a', 'orders/b'] })
})

test('a record that becomes unreadable is skipped, and delivered when it is readable again', async () => {
  const fixture = new Fixture()
  const session = await fixture.session()
  await session.put([request('me')], never)
  const reader = new Recorder(fixture.driver(), orders)
  await reader.takeOne()
  fixture.faults.writeRaw('orders', 'a', new Uint8Array([255]))
  expect(await reader.takeOne()).toMatchObject({
    type: 'changes',
    records: [],
    removed: [],
    skipped: [{ key: 'orders/a' }],
  })
  await session.put([request('me')], never)
  expect(ids(await reader.takeOne())).toEqual(['a'])
})

test('a resumed observation delivers the net difference', async () => {
  const fixture = new Fixture()
  const session = await fixture.session()
  await session.put([request('me', 'gone'), request('me', 'kept'), request('me', 'edited')], never)
  const reader = new Recorder(fixture.driver(), orders)
  const cursor = cursorOf(await reader.takeOne())
  await session.put([request('me', 'edited', { weight: 1 }), request('me', 'brief')], never)
  await session.put([request('me', 'edited', { weight: 2 })], never)
  await session.remove([ref('me', 'gone'), ref('me', 'brief')], never)
  const resumed = await new Recorder(fixture.driver(), orders, cursor).takeOne()
  expect(resumed).toMatchObject({
    type: 'changes',
    records: [{ instance: { id: 'edited', weight: 2 } }],
    removed: ['orders/gone'],
    cursor: cursorOf((await reader.take()).at(-1)),
  })
})

test('a resumed observation without changes reports that it is attached', async () => {
  const fixture = new Fixture()
  const cursor = cursorOf(await new Recorder(fixture.driver(), orders).takeOne())
  await (await fixture.session()).put([request('me', 'a', { service: 'user' })], never)
  const reader = new Recorder(fixture.driver(), orders, cursor)
  const alive = await reader.takeOne()
  expect(alive).toMatchObject({ type: 'alive' })
  expect(cursorOf(alive)).not.toBe(cursor)
  await (await fixture.session()).put([request('me')], never)
  expect(ids(await reader.takeOne())).toEqual(['a'])
})

test.each([
  ['another history', (fixture: Fixture) => fixture.faults.wipe()],
  ['a compacted history', (fixture: Fixture) => fixture.faults.loseHistory()],
])('resuming in %s throws `cursor-expired`', async (_, lose) => {
  const fixture = new Fixture()
  const cursor = cursorOf(await new Recorder(fixture.driver(), orders).takeOne())
  await (await fixture.session()).put([request('me')], never)
  lose(fixture)
  const reader = new Recorder(fixture.driver(), orders, cursor)
  expect(await reader.take()).toEqual([])
  expect(reader.error).toMatchObject({ code: 'cursor-expired' })
})

test.each(['', 'x', '1', 'a:b'])('a foreign cursor is refused: %j', async (cursor) => {
  const reader = new Recorder(new Fixture().driver(), orders, toCursor(cursor))
  await reader.take()
  expect(reader.error).toMatchObject({ code: 'cursor-expired' })
})

test('the history keeps a bounded number of changes', async () => {
  const fixture = new Fixture({ historySize: 3 })
  const session = await fixture.session()
  const reader = new Recorder(fixture.driver(), orders)
  await reader.takeOne()
  await session.put([request('me', 'a')], never)
  const cursor = cursorOf(await reader.takeOne())
  await session.put([request('me', 'b'), request('me', 'c')], never)
  await session.put([request('me', 'd')], never)
  const kept = new Recorder(fixture.driver(), orders, cursor)
  expect(ids(await kept.takeOne())).toEqual(['b', 'c', 'd'])
  await session.put([request('me', 'e')], never)
  const lost = new Recorder(fixture.driver(), orders, cursor)
  await lost.take()
  expect(lost.error).toMatchObject({ code: 'cursor-expired' })
})

test('a name is added with the first record of a service and removed with the last', async () => {
  const fixture = new Fixture()
  const session = await fixture.session()
  await session.put([request('me', 'a', { service: 'old' })], never)
  const reader = new Recorder(fixture.driver(), { services: true })
  const snapshot = await reader.takeOne()
  expect(snapshot).toMatchObject({ type: 'snapshot', services: ['old'] })
  await session.put([request('me', 'a'), request('me', 'b')], never)
  expect(await reader.takeOne()).toMatchObject({ services: ['orders'], removedServices: [] })
  await session.put([request('me', 'c')], never)
  await session.put([request('me', 'a', { weight: 2 })], never)
  await session.remove([ref('me', 'a'), ref('me', 'c')], never)
  expect(await reader.take()).toEqual([])
  await session.remove([ref('me', 'b')], never)
  expect(await reader.takeOne()).toMatchObject({ services: [], removedServices: ['orders'] })

  await session.put([request('me', 'a', { service: 'new' })], never)
  await session.remove([ref('me', 'a', 'old')], never)
  const resumed = new Recorder(fixture.driver(), { services: true }, cursorOf(snapshot))
  expect(await resumed.takeOne()).toMatchObject({ services: ['new'], removedServices: ['old'] })
})

test('a probe makes every observation of the driver send a sign of life with a newer cursor', async () => {
  const fixture = new Fixture()
  const driver = fixture.driver()
  const reader = new Recorder(driver, orders)
  const other = new Recorder(fixture.driver(), orders)
  const cursor = cursorOf(await reader.takeOne())
  await other.takeOne()
  await (await fixture.session()).put([request('me', 'a', { service: 'user' })], never)
  await driver.probe(never)
  const alive = await reader.takeOne()
  expect(alive).toMatchObject({ type: 'alive' })
  expect(cursorOf(alive)).not.toBe(cursor)
  expect(await other.take()).toEqual([])
})

test('an observation ends with the reason of its signal, also before it has begun', async () => {
  const fixture = new Fixture()
  const reason = new Error('enough')
  const reader = new Recorder(fixture.driver(), orders)
  await reader.takeOne()
  reader.abort(reason)
  await reader.take()
  expect(reader.error).toBe(reason)
  const observation = fixture.driver().observe(orders, undefined, AbortSignal.abort(reason))
  await expect(observation[Symbol.asyncIterator]().next()).rejects.toBe(reason)
})

test('an observation that is aborted on a frozen server does not begin when it resumes', async () => {
  const fixture = new Fixture()
  let decoded = 0
  const format: WireFormat = {
    ...jsonFormat,
    decode: (key, value) => {
      decoded += 1
      return jsonFormat.decode(key, value)
    },
  }
  const context = createDriverContext({ clock: fixture.clock, format })
  const driver = memory({ store: fixture.store })(context)
  fixture.faults.pause()
  const reader = new Recorder(driver, orders)
  await reader.take()
  reader.abort(new Error('enough'))
  await reader.take()
  fixture.faults.resume()
  await (await fixture.session()).put([request('me')], never)
  expect(await reader.take()).toEqual([])
  expect(decoded).toBe(0)
})

test('leaving the iteration, or disposing of the driver, releases the observation', async () => {
  const fixture = new Fixture()
  const driver = fixture.driver()
  for await (const observation of driver.observe(orders, undefined, never)) {
    expect(observation.type).toBe('snapshot')
    break
  }
  const reader = new Recorder(driver, orders)
  await reader.takeOne()
  await driver[Symbol.asyncDispose]()
  await reader.take()
  expect(reader.error).toMatchObject({ code: 'closed' })
})
