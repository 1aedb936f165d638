import { jsonFormat } from '@sd/core/driver'
import { describe, expect, it } from 'vitest'
import { decodeEntry, parseEntries, toMeta } from '../src/catalog/service-entry.ts'
import { parseLiveServices } from '../src/catalog/live-services.ts'
import { Keys } from '../src/keys.ts'

const keys = new Keys('services')

const answered = (meta: object | null, ...statuses: string[]): string =>
  JSON.stringify([
    {
      Node: { Node: 'n1' },
      Service: { ID: 'orders__1', Meta: meta },
      Checks: statuses.map((Status, index) => ({ CheckID: `c${index}`, Status })),
    },
  ])

describe('a record in Meta', () => {
  // the last but one is the byte order mark, which decoders drop at a beginning
  it.each([
    'x'.repeat(28_000),
    'é'.repeat(14_000),
    `a${'名'.repeat(9000)}`,
    '🚀'.repeat(7000),
    '\ufeff'.repeat(9000),
    '',
  ])('is split between characters and joined again', (text) => {
    const meta = toMeta(Buffer.from(text), 'session')
    expect(Object.keys(meta).length).toBeLessThanOrEqual(64)
    for (const [key, value] of Object.entries(meta)) {
      expect(key).toMatch(/^[A-Za-z0-9_-]+$/)
      expect(Buffer.byteLength(value)).toBeLessThanOrEqual(512)
    }
    expect(parseEntries(answered(meta), 'list')[0]).toMatchObject({ text, sessionId: 'session' })
  })

  it('refuses a record that is not text', () => {
    expect(() => toMeta(Uint8Array.of(0xff, 0xfe), 's')).toThrow(/not valid/)
  })

  it('is live when every check passes, also those of the node', () => {
    expect(parseEntries(answered(null), 'list')[0]?.live).toBe(true)
    expect(parseEntries(answered(null, 'passing', 'passing'), 'list')[0]?.live).toBe(true)
    expect(parseEntries(answered(null, 'passing', 'warning'), 'list')[0]?.live).toBe(false)
  })

  it('of a foreign service is skipped with a reason, and an answer that is not JSON is refused', () => {
    const [entry] = parseEntries(answered(null), 'list')
    expect(entry && decodeEntry(keys, jsonFormat, entry)).toEqual({
      key: 'n1/orders__1',
      reason: 'it is empty',
    })
    expect(entry && decodeEntry(keys, jsonFormat, { ...entry, serviceId: 'Web' })).toMatchObject({
      reason: 'it was not registered by @sd/consul',
    })
    expect(() => parseEntries('<html>', 'list')).toThrow(/unavailable/)
  })
})

describe('parseLiveServices', () => {
  const row = (more: object): object => ({
    Node: 'n1',
    Name: keys.checkName,
    Status: 'passing',
    Notes: 'edit 0',
    ServiceID: 'orders__1',
    ServiceName: 'orders',
    ...more,
  })
  const live = (...rows: object[]): ReadonlyMap<string, string> =>
    parseLiveServices(JSON.stringify(rows), keys, 'list')

  it('leaves out services that do not pass, foreign ones, and those on a failing node', () => {
    const sick = { ServiceID: '', ServiceName: '', Name: 'Serf Health Status', Status: 'critical' }
    expect([
      ...live(
        row({}),
        row({ ServiceName: 'users', ServiceID: 'users__1', Status: 'critical' }),
        row({ ServiceName: 'web', Name: 'http' }),
        row({ ServiceName: 'far', Node: 'n2' }),
        row({ ...sick, Node: 'n2' }),
        row({ ServiceName: 'kept', ServiceID: 'kept__1' }),
        row({ ServiceName: 'kept', ServiceID: 'kept__1', Name: 'maintenance', Status: 'critical' }),
      ).keys(),
    ]).toEqual(['orders'])
  })

  it('differs with every edit, and not with the order', () => {
    const [a, b] = [row({}), row({ ServiceID: 'orders__2' })]
    expect(live(a, b)).toEqual(live(b, a))
    expect(live(a, b)).not.toEqual(live(a, row({ ServiceID: 'orders__2', Notes: 'edit 1' })))
  })
})
