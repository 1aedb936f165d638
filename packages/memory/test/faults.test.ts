import { createDriverContext } from '@sd/core/driver'
import { memory } from '@sd/memory'
import { MemoryFaults } from '@sd/memory/faults'
import { expect, test } from 'vitest'
import { Fixture, ids, never, outcomeOf, Recorder, ref, request, ttlMs } from './fixture.ts'

const orders = { service: 'orders' } as const

test('stop breaks connections and refuses calls; start keeps the data and renews sessions', async () => {
  const fixture = new Fixture()
  const driver = fixture.driver()
  const session = await fixture.session(driver)
  await session.put([request('me')], never)
  const reader = new Recorder(driver, orders)
  await reader.takeOne()
  await fixture.clock.advance(ttlMs - 1)
  fixture.faults.stop()
  await reader.take()
  expect(reader.error).toMatchObject({ code: 'unavailable' })
  expect(await outcomeOf(driver.probe(never))).toBe('unavailable')
  await fixture.clock.advance(10 * ttlMs)
  fixture.faults.start()
  await fixture.clock.advance(ttlMs - 1)
  expect(await fixture.listed()).toEqual(['a'])
  await session.renew(never)
  await fixture.clock.advance(ttlMs)
  expect(await fixture.listed()).toEqual([])
})

test('a driver without calls is not affected by an earlier restart', async () => {
  const fixture = new Fixture()
  const driver = fixture.driver()
  fixture.faults.stop()
  fixture.faults.start()
  expect(await outcomeOf(driver.probe(never))).toBe('done')
})

test('wipe breaks connections and removes everything', async () => {
  const fixture = new Fixture()
  const driver = fixture.driver()
  const session = await fixture.session(driver)
  await session.put([request('me')], never)
  const reader = new Recorder(driver, orders)
  await reader.takeOne()
  fixture.faults.wipe()
  await reader.take()
  expect(reader.error).toMatchObject({ code: 'unavailable' })
  expect(await fixture.listed()).toEqual([])
  expect(await outcomeOf(session.renew(never))).toBe('session-lost')
  fixture.faults.stop()
  fixture.faults.wipe()
  expect(await outcomeOf(driver.probe(never))).toBe('unavailable')
})

test('a restored backup has its contents, in another history', async () => {
  const fixture = new Fixture()
  const session = await fixture.session()
  await session.put([request('me')], never)
  const backup = fixture.faults.backUp()
  await session.put([request('me', 'b')], never)
  const reader = new Recorder(fixture.driver(), orders)
  const snapshot = await reader.takeOne()
  await fixture.clock.advance(ttlMs - 1)
  backup.restore()
  await reader.take()
  expect(reader.error).toMatchObject({ code: 'unavailable' })
  await fixture.clock.advance(ttlMs - 1)
  expect(await fixture.listed()).toEqual(['a'])
  await session.renew(never)
  for (const id of ['c', 'd', 'e']) await session.put([request('me', id)], never)
  const later = new Recorder(fixture.driver(), orders, snapshot.cursor)
  await later.take()
  expect(later.error).toMatchObject({ code: 'cursor-expired' })
  await session.close(never)
  expect(await fixture.listed()).toEqual([])
})

test('a frozen server delays calls and observations, and runs the calls in order when it resumes', async () => {
  const fixture = new Fixture()
  const session = await fixture.session()
  const reader = new Recorder(fixture.driver(), orders)
  await reader.takeOne()
  fixture.faults.pause()
  const put = session.put([request('me')], never)
  const remove = session.remove([ref('me')], never)
  expect(await outcomeOf(put)).toBe('pending')
  fixture.faults.writeRaw('orders', 'raw', new Uint8Array())
  expect(await reader.take()).toEqual([])
  fixture.faults.resume()
  expect(await put).toMatchObject([{ result: 'written' }])
  expect(await remove).toMatchObject([{ result: 'removed' }])
  expect(await reader.take()).toMatchObject([
    { records: [{ key: 'orders/a' }] },
    { skipped: [{ key: 'orders/raw' }] },
    { removed: ['orders/a'] },
  ])
})

test('a freeze longer than the ttl expires the session before the waiting renewals run', async () => {
  const fixture = new Fixture()
  const session = await fixture.session()
  await session.put([request('me')], never)
  const reader = new Recorder(fixture.driver(), orders)
  await reader.takeOne()
  await fixture.clock.advance(ttlMs / 2)
  fixture.faults.pause()
  await fixture.clock.advance(1)
  const renewal = session.renew(never)
  await fixture.clock.advance(ttlMs)
  expect(await reader.take()).toEqual([])
  fixture.faults.resume()
  expect(await outcomeOf(renewal)).toBe('session-lost')
  expect(session.lost.aborted).toBe(true)
  expect(await reader.takeOne()).toMatchObject({ type: 'changes', removed: ['orders/a'] })
})

test('a call settles at once when aborted, and its put still takes effect when the server resumes', async () => {
  const fixture = new Fixture()
  const session = await fixture.session()
  fixture.faults.pause()
  const controller = new AbortController()
  const put = session.put([request('me')], controller.signal)
  const reason = new Error('too long')
  expect(await outcomeOf(put)).toBe('pending')
  controller.abort(reason)
  expect(await outcomeOf(put)).toBe(reason)
  fixture.faults.resume()
  expect(await fixture.listed()).toEqual(['a'])
})

test('a late put of a closed session fails', async () => {
  const fixture = new Fixture()
  const session = await fixture.session()
  fixture.faults.delayWrites(1_000)
  const put = session.put([request('me')], never)
  expect(await outcomeOf(put)).toBe('pending')
  await session.close(never)
  await fixture.clock.advance(1_000)
  expect(await outcomeOf(put)).toBe('session-lost')
  expect(await fixture.listed()).toEqual([])
})

test('a put in flight to a killed server is lost', async () => {
  const fixture = new Fixture()
  const session = await fixture.session()
  fixture.faults.delayWrites(1_000)
  const put = session.put([request('me')], never)
  expect(await outcomeOf(put)).toBe('pending')
  fixture.faults.stop()
  expect(await outcomeOf(put)).toBe('unavailable')
  fixture.faults.heal()
  await fixture.clock.advance(1_000)
  expect(await fixture.listed()).toEqual([])
})

test('later removals overtake delayed writes', async () => {
  const fixture = new Fixture()
  const session = await fixture.session()
  fixture.faults.delayWrites(1_000)
  const put = session.put([request('me')], AbortSignal.abort())
  await expect(put).rejects.toThrow('aborted')
  const controller = new AbortController()
  const late = session.put([request('me')], controller.signal)
  expect(await outcomeOf(late)).toBe('pending')
  controller.abort()
  expect(await session.remove([ref('me')], never)).toEqual([{ result: 'absent' }])
  await late.catch(() => {})
  await fixture.clock.advance(1_000)
  expect(await fixture.listed()).toEqual(['a'])
})

test('a disconnected client receives nothing, and its sessions expire for the others', async () => {
  const fixture = new Fixture()
  const driver = fixture.driver()
  const session = await fixture.session(driver)
  await session.put([request('me')], never)
  const cutOff = new Recorder(driver, orders)
  const other = new Recorder(fixture.driver(), orders)
  await cutOff.takeOne()
  await other.takeOne()
  const partition = fixture.faults.partition(driver)
  const renewal = session.renew(never)
  await fixture.clock.advance(ttlMs)
  expect(await other.takeOne()).toMatchObject({ removed: ['orders/a'] })
  expect(await cutOff.take()).toEqual([])
  expect(await outcomeOf(renewal)).toBe('pending')
  expect(session.lost.aborted).toBe(false)
  await partition[Symbol.asyncDispose]()
  await partition[Symbol.asyncDispose]()
  expect(await cutOff.takeOne()).toMatchObject({ removed: ['orders/a'] })
  expect(await outcomeOf(renewal)).toBe('session-lost')
})

test('a client that is disconnected during a restart detects it when the network heals', async () => {
  const fixture = new Fixture()
  const driver = fixture.driver()
  const reader = new Recorder(driver, orders)
  await reader.takeOne()
  const cut = fixture.faults.partition(driver)
  fixture.faults.stop()
  fixture.faults.start()
  await reader.take()
  expect(reader.error).toBeUndefined()
  await cut[Symbol.asyncDispose]()
  await reader.take()
  expect(reader.error).toMatchObject({ code: 'unavailable' })
  await driver.probe(never)
})

test('all clients, or those of one factory, can be disconnected', async () => {
  const fixture = new Fixture()
  const factory = memory({ store: fixture.store })
  const driver = factory(createDriverContext({ clock: fixture.clock }))
  const other = fixture.driver()
  const cut = fixture.faults.partition(factory)
  expect(await outcomeOf(driver.probe(never))).toBe('pending')
  expect(await outcomeOf(other.probe(never))).toBe('done')
  await cut[Symbol.asyncDispose]()
  const all = fixture.faults.partition()
  const probe = other.probe(never)
  expect(await outcomeOf(probe)).toBe('pending')
  await all[Symbol.asyncDispose]()
  await probe
})

test('writes that arrive together when the network heals are observed in their order', async () => {
  const fixture = new Fixture()
  const driver = fixture.driver()
  const [first, second] = [await fixture.session(), await fixture.session(driver)]
  await new Recorder(driver, orders).takeOne()
  const reader = new Recorder(fixture.driver(), orders)
  await reader.takeOne()
  const cut = fixture.faults.partition()
  const puts = [first.put([request('me', 'a')], never), second.put([request('me', 'b')], never)]
  expect(await outcomeOf(Promise.all(puts))).toBe('pending')
  await cut[Symbol.asyncDispose]()
  await Promise.all(puts)
  expect((await reader.take()).map(ids)).toEqual([['a'], ['b']])
})

test('slow delays replies and observations, in order', async () => {
  const fixture = new Fixture()
  const session = await fixture.session()
  const reader = new Recorder(fixture.driver(), orders)
  await reader.takeOne()
  fixture.faults.slow(500)
  const put = session.put([request('me')], never)
  await fixture.clock.advance(499)
  fixture.faults.slow(0)
  const renewal = session.renew(never)
  expect(await outcomeOf(Promise.race([put, renewal]))).toBe('pending')
  expect(await reader.take()).toEqual([])
  await fixture.clock.advance(1)
  expect(await put).toMatchObject([{ result: 'written' }])
  await renewal
  expect(ids(await reader.takeOne())).toEqual(['a'])
})

test('failNext fails the given number of calls, of one operation if named', async () => {
  const fixture = new Fixture()
  const driver = fixture.driver()
  fixture.faults.failNext('timeout', 2)
  fixture.faults.failNext('internal', 1, 'observe')
  expect(await outcomeOf(driver.probe(never))).toBe('timeout')
  expect(await outcomeOf(driver.list(orders, never))).toBe('timeout')
  expect(await outcomeOf(driver.probe(never))).toBe('done')
  const reader = new Recorder(driver, orders)
  await reader.take()
  expect(reader.error).toMatchObject({ code: 'internal' })
})

test('an injected `session-lost` is reported by the session', async () => {
  const fixture = new Fixture()
  const session = await fixture.session()
  fixture.faults.failNext('session-lost', 1, 'renew')
  expect(await outcomeOf(session.renew(never))).toBe('session-lost')
  expect(session.lost.aborted).toBe(true)
})

test('denied writes fail individually, or with their batch', async () => {
  const fixture = new Fixture()
  const session = await fixture.session()
  const batch = [request('me', 'a', { service: 'secret' }), request('me')]
  const one = fixture.faults.denyWrites('secret')
  expect(await session.put(batch, never)).toMatchObject([
    { result: 'error', error: { code: 'permission-denied' } },
    { result: 'written' },
  ])
  expect(await session.remove([ref('me', 'a', 'secret'), ref('me')], never)).toMatchObject([
    { result: 'error' },
    { result: 'removed' },
  ])
  one[Symbol.dispose]()
  const batches = fixture.faults.denyWrites('secret', { wholeBatch: true })
  expect(await outcomeOf(session.put(batch, never))).toBe('permission-denied')
  expect(await fixture.listed()).toEqual([])
  batches[Symbol.dispose]()
  const every = fixture.faults.denyWrites()
  expect(await session.put(batch, never)).toMatchObject([{ result: 'error' }, { result: 'error' }])
  every[Symbol.dispose]()
  expect(await session.put(batch, never)).toMatchObject([
    { result: 'written' },
    { result: 'written' },
  ])
})

test('a put whose reply is lost is applied, and an audit reports it', async () => {
  const fixture = new Fixture()
  const session = await fixture.session()
  fixture.faults.dropReplies(1)
  expect(await outcomeOf(session.put([request('me')], never))).toBe('unavailable')
  expect(await session.audit([ref('me')], never)).toMatchObject([{ state: 'ours' }])
  await session.put([request('me')], never)
})

test('expireSession ends one session, or all', async () => {
  const fixture = new Fixture()
  const sessions = [await fixture.session(), await fixture.session(), await fixture.session()]
  for (const [index, session] of sessions.entries())
    await session.put([request('me', `i${index}`)], never)
  fixture.faults.expireSession(sessions[1]?.id)
  expect(await fixture.listed()).toEqual(['i0', 'i2'])
  fixture.faults.expireSession()
  expect(await fixture.listed()).toEqual([])
})

test('deleteRecord and writeRaw are ordinary changes; readRaw returns the bytes', async () => {
  const fixture = new Fixture()
  const session = await fixture.session()
  await session.put([request('me')], never)
  const reader = new Recorder(fixture.driver(), orders)
  await reader.takeOne()
  const bytes = fixture.faults.readRaw('orders', 'a') as Uint8Array
  fixture.faults.deleteRecord('orders', 'a')
  fixture.faults.deleteRecord('orders', 'a')
  expect(await reader.takeOne()).toMatchObject({ removed: ['orders/a'] })
  fixture.faults.writeRaw('orders', 'a', bytes)
  expect(ids(await reader.takeOne())).toEqual(['a'])
  await session.close(never)
  expect(await fixture.listed()).toEqual(['a'])
})

test('heal ends every fault', async () => {
  const fixture = new Fixture()
  const session = await fixture.session()
  fixture.faults.slow(1_000)
  fixture.faults.delayWrites(1_000)
  fixture.faults.failNext('timeout', 9)
  fixture.faults.dropReplies(9)
  fixture.faults.denyWrites()
  fixture.faults.partition()
  fixture.faults.pause()
  fixture.faults.heal()
  expect(await session.put([request('me')], never)).toMatchObject([{ result: 'written' }])
})

test('faults of the process-wide store', async () => {
  const { clock } = new Fixture()
  const driver = memory({ store: 'faulty' })(createDriverContext({ clock }))
  const faults = new MemoryFaults('faulty')
  faults.stop()
  expect(await outcomeOf(driver.probe(never))).toBe('unavailable')
})
