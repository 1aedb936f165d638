import { jsonFormat, type WireFormat } from '@sd/core/driver'
import { expect } from 'vitest'
import { codeOf } from '../answers.ts'
import { type ContractCase, contractCase } from '../contract-case.ts'
import { idsOf, input } from '../contract-run.ts'
import { eventually, pass } from '../eventually.ts'
import { earlierRecord, earlierRequest, laterRecord } from '../golden-records.ts'
import { ids } from '../instances.ts'

/** Names that break naive keys, collide under naive encodings, or are just long. */
const oddNames = [
  'user',
  'user-admin',
  'user/admin',
  'user%2Fadmin',
  'user%',
  '.',
  '..',
  '...',
  'a.b',
  ' leading and trailing ',
  'tab\tnew\nline',
  'ünïcödé',
  '名前',
  '🚀',
  'quote\'s "double"',
  'back\\slash',
  '*?[]{}()!',
  'nul\u0000byte',
  '~',
  '-',
  '_',
  'x'.repeat(255),
  'é'.repeat(127),
]

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const malformed: Readonly<Record<string, Uint8Array>> = {
  'bad-json': bytes('{"id":'),
  'wrong-types': bytes('{"id":1,"name":[],"endpoints":"no"}'),
  'foreign-format': bytes('<instance/>'),
  'zero-bytes': new Uint8Array(),
  binary: Uint8Array.from([0xff, 0xfe, 0, 1, 2, 0x80]),
  'json-null': bytes('null'),
}

interface Claimed {
  readonly claim: { readonly seq: number }
}

/** The stored text is that of before with another weight, and a later claim. */
const expectEdited = (stored: string | undefined, before: string, weight: number): void => {
  const [found, document] = [stored ?? '', before].map((text) => JSON.parse(text) as Claimed)
  // an edit whose answer was lost is repeated
  expect(found?.claim.seq).toBeGreaterThan(Number(document?.claim.seq))
  const claim = { ...document?.claim, seq: found?.claim.seq }
  expect(found).toEqual({ ...document, weight, claim })
}

/** D1 … D5, D7. */
export const discoveryCases: readonly ContractCase[] = [
  contractCase('D1 lists an unknown service as empty', [], async (run) => {
    const registry = run.registry()
    expect(await registry.list('nobody')).toEqual([])
    expect(await registry.listServices()).toEqual([])
  }),

  contractCase(
    'D2 keeps services apart whose names contain one another, and returns unusual names unchanged',
    [],
    async (run) => {
      const owner = run.registry()
      const other = run.registry()
      await Promise.all(oddNames.map((name) => owner.register(input(name, name))))
      for (const name of oddNames) {
        await run.lists(other, name, [name], run.visibleMs + run.times.slackMs)
        expect((await other.list(name))[0]?.service).toBe(name)
      }
      expect(await other.listServices()).toEqual(oddNames.toSorted())
      const follower = run.follow(other, 'user')
      await follower.sees(['user'], run.times.slackMs)
      await owner.register(input('user-admin', 'x'))
      await owner.register(input('user/admin', 'y'))
      await owner.register(input('user', 'z'))
      await follower.sees(['user', 'z'], run.times.slackMs)
      expect(follower.changes.map(({ instance }) => instance.service)).toEqual(['user', 'user'])
    },
  ),

  contractCase('D2 refuses names that cannot be stored, before any I/O', [], async (run) => {
    const { registry, calls } = run.counting()
    for (const name of ['', '\ud800', 'x'.repeat(256), 'é'.repeat(128)]) {
      const refused = { code: 'invalid-argument' }
      await expect(registry.register(input(name, 'a'))).rejects.toMatchObject(refused)
      await expect(registry.register(input('orders', name))).rejects.toMatchObject(refused)
      await expect(registry.list(name)).rejects.toMatchObject(refused)
      expect(() => registry.watch(name)).toThrow(/invalid-argument/)
    }
    expect(calls).toEqual(new Map())
  }),

  contractCase(
    'D3 skips and reports unreadable records, and lists the others',
    ['writeRaw'],
    async (run) => {
      const owner = run.registry()
      const other = run.registry()
      await owner.register(input('orders', 'good'))
      for (const [id, value] of Object.entries(malformed))
        await run.harness.writeRaw?.(run.namespace, 'orders', id, value)
      expect(idsOf(await other.list('orders'))).toEqual(['good'])
      const follower = run.follow(other, 'orders')
      await follower.sees(['good'], run.times.slackMs)
      const reports = run.logs.filter(({ details }) => details['event'] === 'record-skipped')
      for (const id of Object.keys(malformed))
        expect(reports.some(({ message }) => message.includes(id))).toBe(true)
    },
  ),

  contractCase(
    'D3 treats a record that becomes malformed as removed',
    ['writeRaw', 'startOwner'],
    async (run) => {
      const { slackMs, ttlMs } = run.times
      const other = run.registry()
      const follower = run.follow(other, 'orders')
      const owner = await run.harness.startOwner?.(run.namespace, input('orders', 'a'), ttlMs * 10)
      await follower.sees(['a'], slackMs)
      await owner?.kill()
      await run.harness.writeRaw?.(run.namespace, 'orders', 'a', bytes('{nonsense'))
      await follower.sees([], slackMs)
      await eventually('it is reported', slackMs, () =>
        run.logs.some(({ details }) => details['event'] === 'record-skipped'),
      )
    },
  ),

  contractCase('D4 keeps namespaces apart', [], async (run) => {
    const one = run.registry()
    const two = run.registry({}, `${run.namespace}-two`)
    const nested = run.registry({}, `${run.namespace}/nested`)
    await one.register(input('orders', 'a'))
    await nested.register(input('orders', 'c'))
    expect(await two.list('orders')).toEqual([])
    expect(await two.listServices()).toEqual([])
    await two.register(input('orders', 'b'))
    await run.lists(one, 'orders', ['a'], run.visibleMs + run.times.slackMs)
    expect(idsOf(await two.list('orders'))).toEqual(['b'])
    expect(idsOf(await nested.list('orders'))).toEqual(['c'])
    expect(await one.listServices()).toEqual(['orders'])
  }),

  contractCase('D5 reads lists from the backend, not from a cache', [], async (run) => {
    const { registry, calls } = run.counting()
    const follower = run.follow(registry, 'orders')
    await follower.sees([], run.times.slackMs)
    const reads = (): number => calls.get('list') ?? 0
    for (let round = 0; round < 2; round += 1) {
      const before = reads()
      await registry.list('orders')
      expect(reads()).toBeGreaterThan(before)
    }
  }),

  contractCase(
    'D7 reads records of an earlier and of a later version, and an edit keeps all that they contain',
    ['writeRaw'],
    async (run) => {
      const { slackMs } = run.times
      const stored = new Map<string, string>()
      const format: WireFormat = {
        ...jsonFormat,
        decode: (key, value) => {
          stored.set(key, Buffer.from(value).toString())
          return jsonFormat.decode(key, value)
        },
      }
      const reader = run.registry({ format })
      const follower = run.follow(run.registry(), 'orders')
      // on ZooKeeper a record can only be written below the node of its service
      await reader.register(input('orders', 'present'))
      for (const [id, text] of Object.entries({ earlier: earlierRecord, later: laterRecord }))
        await run.harness.writeRaw?.(run.namespace, 'orders', id, Buffer.from(text))
      await run.lists(reader, 'orders', ['earlier', 'later', 'present'], run.visibleMs + slackMs)
      const { served } = await reader.records('orders')
      const [earlier, later] = served.toSorted((a, b) => (a.instance.id < b.instance.id ? -1 : 1))
      const { instance, claim, ttlMs, registeredAtMs } = earlierRequest
      expect(earlier).toMatchObject({ instance, claim, ttlMs, registeredAtMs })
      expect(later).toMatchObject({
        instance: { weight: 20, health: 'warming-up', zone: 'eu-1b' },
        claim: { owner: 'z8p1', seq: 5 },
      })
      await follower.until(
        'the watcher has both',
        run.visibleMs + slackMs,
        ({ view }) => view.get('later')?.health === 'warming-up' && view.has('earlier'),
      )
      await using driver = run.driver()
      if (driver.edit === undefined) return
      for (const id of ['earlier', 'later'])
        expect(await reader.edit('orders', id, { weight: 7 })).toBe('edited')
      await eventually('both edits are listed', run.visibleMs + slackMs, async () =>
        (await reader.list('orders')).every(({ id, weight }) => id === 'present' || weight === 7),
      )
      expectEdited(stored.get('orders/earlier'), earlierRecord, 7)
      expectEdited(stored.get('orders/later'), laterRecord, 7)
    },
  ),

  contractCase(
    'D5 reads for longer than a call may take while its connection makes progress, and gives up on silence',
    ['narrow', 'partition', 'connectDirect'],
    async (run) => {
      const { ttlMs, slackMs } = run.times
      const callTimeoutMs = 2_000
      const wanted = ids('i', 200).toSorted()
      // where each instance has heartbeats of its own, those of 200 take the processors
      const owner = run.direct({ ttlMs: ttlMs * 5 })
      const metadata = { text: 'x'.repeat(1_000) }
      await Promise.all(wanted.map((id) => owner.register(input('orders', id, { metadata }))))
      const reader = run.registry({ callTimeoutMs })
      await reader.list('none')
      // some 300 KB in all
      const narrow = await run.harness.narrow?.(100_000)
      const began = performance.now()
      expect(idsOf(await reader.list('orders'))).toEqual(wanted)
      expect(performance.now() - began).toBeGreaterThan(callTimeoutMs)
      const follower = run.follow(run.registry({ callTimeoutMs: 1_000 }), 'orders')
      await follower.sees(wanted, 10_000 + slackMs)
      expect(follower.events.every(({ type }) => type !== 'stale')).toBe(true)
      const listing = codeOf(reader.list('orders'))
      await pass(1_000)
      const cut = await run.harness.partition?.()
      const silentMs = performance.now()
      expect(['timeout', 'unavailable']).toContain(await listing)
      expect(performance.now() - silentMs).toBeLessThan(callTimeoutMs * 1.5 + slackMs)
      await cut?.[Symbol.asyncDispose]()
      await narrow?.[Symbol.asyncDispose]()
    },
  ),
]
