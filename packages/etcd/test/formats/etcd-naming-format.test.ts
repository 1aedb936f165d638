import { expect, test } from 'vitest'
import { etcdNamingFormat } from '../../src/index.ts'
import { instance, request } from './request.ts'

const key = 'orders/orders-1'
const decode = (value: unknown): unknown =>
  etcdNamingFormat.decode(
    key,
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
  )

const bare = {
  service: 'orders',
  id: 'orders-1',
  endpoints: ['grpc://10.0.0.1:9090'],
  weight: 100,
  health: 'passing',
  tags: [],
  metadata: {},
}

test('reads what the endpoints manager of client/v3 writes', () => {
  expect(decode('{"Op":0,"Addr":"10.0.0.1:9090","Metadata":{"a":"b"}}')).toEqual({
    instance: { ...bare, metadata: { a: 'b' } },
  })
  expect(decode('{"Op":0,"Addr":"10.0.0.1:9090","Metadata":null}')).toEqual({ instance: bare })
})

test('reads any metadata: entries that are not strings are left out', () => {
  const strings = (metadata: unknown): unknown =>
    decode({ Addr: '10.0.0.1:9090', Metadata: metadata })
  expect(strings({ a: 'b', n: 1, o: {} })).toMatchObject({ instance: { metadata: { a: 'b' } } })
  for (const other of [7, 'text', [1], true]) expect(strings(other)).toEqual({ instance: bare })
  expect(decode({ Addr: 'unix:///run/x.sock' })).toMatchObject({
    instance: { endpoints: ['unix:///run/x.sock'] },
  })
})

test.each([
  ['', 'it is empty'],
  ['10.0.0.1:9090', 'Unexpected'],
  ['[]', 'it is not a JSON object'],
  [{ Op: 'Add', Addr: 'a:1' }, '"Op" is not a number'],
  [{ Op: 0 }, '"Addr" is missing or empty'],
  [{ Op: 0, Addr: 7 }, '"Addr" is not a string'],
  [{ Op: 0, Addr: 'a:1', Metadata: { sd_record: '{' } }, 'JSON'],
])('skips %j', (value, reason) => {
  expect(decode(value)).toEqual({ skipped: expect.stringContaining(reason) as string })
})

test('writes Op as a number and the gRPC address, and keeps the rest as one string of the metadata', () => {
  const document = JSON.parse(Buffer.from(etcdNamingFormat.encode(request())).toString()) as object
  expect(document).toEqual({
    Op: 0,
    Addr: '10.0.0.1:9090',
    Metadata: { a: 'b', sd_record: expect.any(String) as string },
  })
})

test('reads back all that it wrote', () => {
  const all = {
    weight: 7,
    health: 'draining',
    zone: 'eu-1a',
    tags: ['canary'],
    metadata: { weight: '9' },
  }
  for (const more of [all, {}, { metadata: { weight: '9' } }])
    expect(etcdNamingFormat.decode(key, etcdNamingFormat.encode(request(more)))).toEqual({
      instance: { ...instance, ...more },
      claim: { owner: 'me', claimedAtMs: 5, seq: 2 },
      ttlMs: 10_000,
      registeredAtMs: 4,
    })
})

test('refuses an instance without an address', () => {
  expect(etcdNamingFormat.refusal?.({ ...instance, endpoints: ['grpc://a'] })).toContain('no port')
  expect(etcdNamingFormat.refusal?.(instance)).toBeUndefined()
})
