import { createDriverContext, jsonFormat } from '@sd/core/driver'
import { memory } from '@sd/memory'
import { expect, test } from 'vitest'
import { Fixture, never, ref, request, ttlMs } from './fixture.ts'

const written = expect.objectContaining({ result: 'written' }) as unknown
const conflictWith = (owner: string): unknown => ({
  result: 'conflict',
  holder: { owner, claimedAtMs: 5, seq: 0 },
})

test('a put is listed by another client with all its fields', async () => {
  const fixture = new Fixture()
  const session = await fixture.session()
  const { instance, claim } = request('me')
  expect(await session.put([request('me')], never)).toEqual([written])
  const { records, skipped } = await fixture.driver().list({ service: 'orders' }, never)
  expect(skipped).toEqual([])
  expect(records).toEqual([{ key: 'orders/a', instance, claim, ttlMs, registeredAtMs: 1 }])
})

test.each([
  ['if-newer', 6, written],
  ['if-newer', 4, conflictWith('holder')],
  ['if-absent', 6, conflictWith('holder')],
] as const)(
  'another owner puts with mode %s and claim time %i',
  async (mode, claimedAtMs, outcome) => {
    const fixture = new Fixture()
    await (await fixture.session()).put([request('holder', 'a', { claimedAtMs: 5 })], never)
    const rival = await fixture.session()
    expect(await rival.put([request('rival', 'a', { claimedAtMs, mode })], never)).toEqual([
      outcome,
    ])
  },
)

test.each(['if-newer', 'if-absent'] as const)('the same owner puts with mode %s', async (mode) => {
  const fixture = new Fixture()
  await (await fixture.session()).put([request('me', 'a', { claimedAtMs: 5 })], never)
  const next = await fixture.session()
  expect(await next.put([request('me', 'a', { claimedAtMs: 4, mode })], never)).toEqual([written])
})

test.each([
  ['if-newer', written],
  ['if-absent', { result: 'conflict' }],
] as const)('a put over an unreadable record with mode %s', async (mode, outcome) => {
  const fixture = new Fixture()
  fixture.faults.writeRaw('orders', 'a', new Uint8Array())
  const session = await fixture.session()
  expect(await session.put([request('me', 'a', { mode })], never)).toEqual([outcome])
})

test('a batch has one outcome for each instance, and is one observation', async () => {
  const fixture = new Fixture()
  await (await fixture.session()).put([request('holder', 'b', { claimedAtMs: 5 })], never)
  const session = await fixture.session()
  expect(
    await session.put([request('me', 'a'), request('me', 'b'), request('me', 'c')], never),
  ).toEqual([written, conflictWith('holder'), written])
  expect(await fixture.listed()).toEqual(['b', 'a', 'c'])
})

test('a batch too large, or with an instance twice, is refused before anything is sent', async () => {
  const session = await new Fixture().session()
  const many = Array.from({ length: 129 }, (_, index) => request('me', `i${index}`))
  await expect(session.put(many, never)).rejects.toMatchObject({ code: 'invalid-argument' })
  await expect(session.put([request('me'), request('me')], never)).rejects.toMatchObject({
    code: 'invalid-argument',
  })
})

test('remove deletes records of all sessions of the owner, and none of another owner', async () => {
  const fixture = new Fixture()
  await (await fixture.session()).put([request('me', 'a'), request('rival', 'b')], never)
  fixture.faults.writeRaw('orders', 'd', new Uint8Array([1]))
  const session = await fixture.session()
  const refs = [ref('me', 'a'), ref('me', 'b'), ref('me', 'c'), ref('me', 'd')]
  expect((await session.remove(refs, never)).map(({ result }) => result)).toEqual([
    'removed',
    'not-ours',
    'absent',
    'not-ours',
  ])
  expect(await fixture.listed()).toEqual(['b'])
})

test('audit reports records as ours, missing, replaced and edited', async () => {
  const fixture = new Fixture()
  const session = await fixture.session()
  const all = ['kept', 'missing', 'replaced', 'untied', 'edited', 'broken']
  await session.put(
    all.map((id) => request('me', id)),
    never,
  )
  fixture.faults.deleteRecord('orders', 'missing')
  await (await fixture.session()).put([request('rival', 'replaced', { claimedAtMs: 9 })], never)
  fixture.faults.writeRaw('orders', 'untied', jsonFormat.encode(request('me', 'untied')))
  const edit = jsonFormat.encode(request('me', 'edited', { weight: 7 }))
  fixture.faults.writeRaw('orders', 'edited', edit, { keepSession: true })
  fixture.faults.writeRaw('orders', 'broken', new Uint8Array(), { keepSession: true })
  const audits = await session.audit(
    all.map((id) => ref('me', id)),
    never,
  )
  expect(audits.map(({ state }) => state)).toEqual([
    'ours',
    'missing',
    'replaced',
    'replaced',
    'edited',
    'edited',
  ])
  expect(audits[2]?.record?.claim?.owner).toBe('rival')
  expect(audits[4]?.record?.instance.weight).toBe(7)
})

test('a session that is not renewed expires, and its records are removed', async () => {
  const fixture = new Fixture()
  const session = await fixture.session()
  await session.put([request('me')], never)
  await fixture.clock.advance(ttlMs - 1)
  await session.renew(never)
  await fixture.clock.advance(ttlMs - 1)
  expect(await fixture.listed()).toEqual(['a'])
  await fixture.clock.advance(1)
  expect(await fixture.listed()).toEqual([])
  expect(session.lost.aborted).toBe(false)
  await expect(session.renew(never)).rejects.toMatchObject({ code: 'session-lost' })
  expect(session.lost.reason).toMatchObject({ code: 'session-lost' })
  await expect(session.put([request('me')], never)).rejects.toMatchObject({ code: 'session-lost' })
})

test('a record that another session took over stays when the first expires', async () => {
  const fixture = new Fixture()
  const first = await fixture.session()
  await first.put([request('me')], never)
  const second = await fixture.session()
  await second.put([request('me')], never)
  await first.close(never)
  await first.close(never)
  expect(await fixture.listed()).toEqual(['a'])
  await second.close(never)
  expect(await fixture.listed()).toEqual([])
  expect(second.lost.aborted).toBe(false)
})

test('the granted ttl is clamped', async () => {
  const driver = new Fixture({ minTtlMs: 2_000 }).driver()
  expect(driver.capabilities.minTtlMs).toBe(2_000)
  expect((await driver.openSession({ ttlMs: 10 }, never)).grantedTtlMs).toBe(2_000)
  expect((await driver.openSession({ ttlMs: 1e12 }, never)).grantedTtlMs).toBe(86_400_000)
})

test('a disposed driver fails with `closed`, and its sessions stay for their ttl', async () => {
  const fixture = new Fixture()
  const driver = fixture.driver()
  const session = await fixture.session(driver)
  await session.put([request('me')], never)
  await driver[Symbol.asyncDispose]()
  await driver[Symbol.asyncDispose]()
  await expect(session.renew(never)).rejects.toMatchObject({ code: 'closed' })
  await expect(driver.probe(never)).rejects.toMatchObject({ code: 'closed' })
  expect(fixture.clock.pending).toBe(0)
  expect(await fixture.listed()).toEqual(['a'])
  await fixture.clock.advance(ttlMs)
  expect(await fixture.listed()).toEqual([])
})

test('a record that expired without a connected client is not listed by the next one', async () => {
  const fixture = new Fixture()
  const driver = fixture.driver()
  await (await fixture.session(driver)).put([request('me')], never)
  await driver[Symbol.asyncDispose]()
  await fixture.clock.advance(ttlMs)
  expect(await fixture.listed()).toEqual([])
})

test('namespaces are isolated', async () => {
  const fixture = new Fixture()
  await (await fixture.session(fixture.driver('test'))).put([request('me')], never)
  expect(await fixture.listed()).toEqual([])
  const { services: found } = await fixture.driver('test').list({ services: true }, never)
  expect(found).toEqual(['orders'])
})

test('services are isolated, whatever their names', async () => {
  const services = ['user', 'user-admin', 'user/admin', 'user%2Fadmin', '..', 'us er']
  const fixture = new Fixture()
  const session = await fixture.session()
  await session.put(
    services.map((service) => request('me', `of ${service}`, { service })),
    never,
  )
  for (const service of services) expect(await fixture.listed(service)).toEqual([`of ${service}`])
  const { services: found } = await fixture.driver().list({ services: true }, never)
  expect(found?.toSorted()).toEqual(services.toSorted())
  expect(await fixture.listed('use')).toEqual([])
})

test('a malformed record is skipped and reported, and the others are listed', async () => {
  const fixture = new Fixture()
  await (await fixture.session()).put([request('me')], never)
  fixture.faults.writeRaw('orders', 'bad', new TextEncoder().encode('{'))
  const contents = await fixture.driver().list({ service: 'orders' }, never)
  expect(contents.records).toHaveLength(1)
  expect(contents.skipped).toEqual([{ key: 'orders/bad', reason: expect.any(String) as unknown }])
})

test('only stores of the same name are shared in the process', async () => {
  const { clock } = new Fixture()
  const driver = (store?: string) => memory({ store })(createDriverContext({ clock }))
  const session = await driver().openSession({ ttlMs }, never)
  await session.put([request('me')], never)
  const names = async (store?: string) =>
    (await driver(store).list({ services: true }, never)).services
  expect(await names()).toEqual(['orders'])
  expect(await names('default')).toEqual(['orders'])
  expect(await names('another')).toEqual([])
  await session.close(never)
})

test.each([
  [{ namespace: '' }, 'namespace is ""; expected a non-empty string'],
  [{ namespace: 3 }, 'namespace is 3; expected'],
  [{ store: {} }, 'store is an object; expected a MemoryStore'],
  [
    { nameSpace: 'a' },
    'unknown key "nameSpace"; did you mean "namespace"? (known: namespace, store, heartbeat, maxBlockMs)',
  ],
  [
    { heartbeat: 'worker' },
    'heartbeat is "worker"; expected loop: the sessions in memory live and are renewed in the event loop itself',
  ],
  [{ maxBlockMs: 1_000 }, "maxBlockMs is given without heartbeat: 'worker'"],
  [null, 'the configuration is null; expected an object'],
])('the configuration %j is refused', (config, message) => {
  expect(() => memory(config as never)).toThrow(message)
  expect(() => memory(config as never)).toThrow('[invalid-config]')
})
