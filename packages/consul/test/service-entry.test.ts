import { jsonFormat } from '@sd/core/driver'
import { describe, expect, it } from 'vitest'
import { parseLiveServices } from '../src/catalog/live-services.ts'
import { OwnLayout, toMeta } from '../src/catalog/own-layout.ts'
import { decodeEntry, parseEntries as parse } from '../src/catalog/service-entry.ts'

const keys = new OwnLayout('services')
const parseEntries = (text: string, operation: string) => parse(keys, text, operation)

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

  it('distinguishes liveness from health, and its own checks from others', () => {
    const entryWith = (checks: Readonly<Record<string, string>>) =>
      parseEntries(
        JSON.stringify([
          {
            Node: { Node: 'n1' },
            Service: { ID: 'orders__1', Meta: { sd_session: 's' } },
            Checks: Object.entries({ 'service:orders__1:s': 'passing', ...checks }).map(
              ([CheckID, Status]) => ({ CheckID, Status }),
            ),
          },
        ]),
        'list',
      )[0]
    const well = { live: true, reportedUnfit: false, foreign: undefined }
    expect(entryWith({ serfHealth: 'passing' })).toMatchObject(well)
    expect(entryWith({ serfHealth: 'critical' })).toMatchObject({ ...well, live: false })
    expect(entryWith({ 'service:orders__1:s': 'critical' })).toMatchObject({ ...well, live: false })
    expect(entryWith({ 'service:orders__1:s:health': 'critical' })).toMatchObject({
      ...well,
      reportedUnfit: true,
    })
    expect(entryWith({ disk: 'warning' })).toMatchObject({ ...well, foreign: 'failing' })
    expect(entryWith({ _node_maintenance: 'critical', disk: 'critical' })).toMatchObject({
      ...well,
      foreign: 'draining',
    })
    expect(entryWith({ '_service_maintenance:orders__1': 'critical' })).toMatchObject({
      ...well,
      foreign: 'draining',
    })
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
    CheckID: 'service:orders__1:s',
    Name: keys.checkName,
    Status: 'passing',
    Notes: 'edit 0',
    ServiceID: 'orders__1',
    ServiceName: 'orders',
    ...more,
  })
  const live = (...rows: object[]): ReadonlyMap<string, string> =>
    parseLiveServices(JSON.stringify(rows), keys, 'list')

  it('leaves out services that are not live, foreign ones, and those on a dead node', () => {
    const node = { ServiceID: '', ServiceName: '', Status: 'critical' }
    expect([
      ...live(
        row({}),
        row({ ServiceName: 'users', ServiceID: 'users__1', Status: 'critical' }),
        row({ ServiceName: 'web', Name: 'http' }),
        row({ ServiceName: 'far', Node: 'n2' }),
        row({ ...node, Node: 'n2', CheckID: 'serfHealth', Name: 'Serf Health Status' }),
        row({ ServiceName: 'full', Node: 'n3' }),
        row({ ...node, Node: 'n3', CheckID: 'disk', Name: 'disk' }),
        row({ ServiceName: 'kept', ServiceID: 'kept__1' }),
        row({ ServiceName: 'kept', ServiceID: 'kept__1', Name: 'maintenance', Status: 'critical' }),
      ).keys(),
    ]).toEqual(['orders', 'full', 'kept'])
  })

  it('differs when a check of the instance or of its node does', () => {
    const critical = { Status: 'critical', CheckID: 'disk', Name: 'disk' }
    const alone = live(row({}))
    expect(live(row({}), row(critical))).not.toEqual(alone)
    expect(live(row({}), row({ ...critical, ServiceID: '', ServiceName: '' }))).not.toEqual(alone)
    expect(live(row({}), row({ ...critical, ServiceID: 'other__1' }))).toEqual(alone)
  })

  it('differs with every edit, and not with the order', () => {
    const [a, b] = [row({}), row({ ServiceID: 'orders__2' })]
    expect(live(a, b)).toEqual(live(b, a))
    expect(live(a, b)).not.toEqual(live(a, row({ ServiceID: 'orders__2', Notes: 'edit 1' })))
  })
})
