import { createDraw } from '@sd/contract-tests/world'
import { describe, expect, it, test } from 'vitest'
import { MalformedMessage, MessageReader } from '../../../src/client/codec/message-reader.ts'
import { MessageWriter } from '../../../src/client/codec/message-writer.ts'
import * as methods from '../../../src/client/methods.ts'
import { inProtobufjs } from './etcd-protocol.ts'

/** More of them: `SD_FUZZ_MESSAGES=100000`. */
const count = Number(process.env['SD_FUZZ_MESSAGES'] ?? 200)

const { below: next } = createDraw(1)

const either = <T>(...values: readonly T[]): T => values[next(values.length)] as T
const list = <T>(one: () => T, most = 3): T[] => Array.from({ length: next(most + 1) }, one)
const bytes = (): Buffer => Buffer.alloc(either(0, 1, 5, 127, 128, 300), next(256))
const key = (): Buffer => Buffer.alloc(either(1, 40, 130), next(256))
const text = (): string => either('', 'a', 'ä€𝄞', 'x'.repeat(200))
/** Around the limits of a byte of a varint, of exact numbers, and of 64 bits. */
const natural = (): string =>
  either(
    '0',
    '1',
    '127',
    '128',
    '16383',
    '562949953421311',
    '562949953421312',
    '9007199254740993',
    '9223372036854775807',
  )
const int64 = (): string => either(natural(), '-1', '-9223372036854775808')
const uint64 = (): string => either(natural(), '18446744073709551615')

const header = () => ({
  cluster_id: uint64(),
  member_id: uint64(),
  revision: int64(),
  raft_term: uint64(),
})
const keyValue = () => ({
  key: bytes(),
  create_revision: int64(),
  mod_revision: int64(),
  version: int64(),
  value: bytes(),
  lease: int64(),
})
const rangeResponse = () => ({
  header: header(),
  kvs: list(keyValue),
  more: either(true, false),
  count: int64(),
})
const rangeRequest = () => ({
  key: key(),
  range_end: bytes(),
  limit: either(0, 1, 1000),
  revision: natural(),
  keys_only: either(true, false),
})

/** The fields of `value` that `shown` has, in the same depth. */
const project = (value: unknown, shown: unknown): unknown => {
  // protobufjs shows every 64-bit number as a text
  if (typeof shown === 'number') return Number(value)
  if (Buffer.isBuffer(shown) || typeof shown !== 'object' || shown === null) return value
  if (Array.isArray(shown))
    return (value as unknown[]).map((item, index) => project(item, shown[index]))
  return Object.fromEntries(
    Object.entries(shown).map(([name, field]) => [
      name,
      project((value as Record<string, unknown>)[name], field),
    ]),
  )
}

describe('requests are what protobufjs reads', () => {
  const expectSame = <Request>(
    method: methods.Method<Request, unknown>,
    request: Request,
  ): void => {
    const writer = new MessageWriter(5)
    method.write(writer, request)
    const read = inProtobufjs(method).requestDeserialize(writer.finish().subarray(5))
    expect(project(read, request)).toEqual(request)
  }

  test('of a range', () => {
    for (let index = 0; index < count; index++) expectSame(methods.range, rangeRequest())
    expectSame(methods.range, { key: key() })
  })

  test('of a transaction', () => {
    for (let index = 0; index < count; index++) {
      const put = {
        key: key(),
        value: bytes(),
        lease: natural(),
        ignore_lease: either(true, false),
      }
      const operation = (): object =>
        either(
          { request_range: rangeRequest() },
          { request_put: put },
          { request_delete_range: { key: key() } },
        )
      const compare = list(() => ({ key: key(), mod_revision: natural() }), 5)
      expectSame(methods.txn, { compare, success: list(operation, 5) })
    }
    // of which the lengths take several bytes
    const value = Buffer.alloc(300_000, 7)
    expectSame(methods.txn, { success: [{ request_put: { key: key(), value } }] })
  })

  test('of a comparison, which names its kind even for the revision 0', () => {
    const writer = new MessageWriter()
    methods.txn.write(writer, {
      compare: [{ key: Buffer.from('k'), mod_revision: '0' }],
      success: [],
    })
    expect(writer.finish().toString('hex')).toBe('0a0710021a016b3000')
  })

  test('of leases, watches and logins', () => {
    for (let index = 0; index < count; index++) {
      expectSame(methods.leaseGrant, { TTL: either(1, 10, 86_400) })
      expectSame(methods.leaseRevoke, { ID: natural() })
      expectSame(methods.leaseKeepAlive, { ID: natural() })
      expectSame(methods.leaseTimeToLive, { ID: natural(), keys: either(true, false) })
      const filters = either([], [0, 1])
      expectSame(methods.watch, {
        create_request: { key: key(), range_end: bytes(), fragment: true, filters },
      })
      expectSame(methods.watch, { cancel_request: { watch_id: int64() } })
      expectSame(methods.authenticate, { name: text(), password: text() })
    }
    expectSame(methods.status, {})
  })
})

/** Random responses of each method, with fields that are not read. */
const responses: readonly (readonly [methods.Method<never, unknown>, () => object])[] = [
  [methods.range, rangeResponse],
  [
    methods.txn,
    () => ({
      header: header(),
      succeeded: either(true, false),
      responses: list(() =>
        either<object>(
          { response_range: rangeResponse() },
          { response_put: { header: header(), prev_kv: keyValue() } },
          { response_delete_range: { header: header(), deleted: '1' } },
        ),
      ),
    }),
  ],
  [methods.leaseGrant, () => ({ header: header(), ID: int64(), TTL: int64(), error: text() })],
  [methods.leaseKeepAlive, () => ({ header: header(), ID: int64(), TTL: int64() })],
  [methods.leaseRevoke, () => ({ header: header() })],
  [
    methods.leaseTimeToLive,
    () => ({ header: header(), ID: int64(), TTL: int64(), grantedTTL: int64(), keys: list(bytes) }),
  ],
  [
    methods.watch,
    () => ({
      header: header(),
      watch_id: int64(),
      created: either(true, false),
      canceled: either(true, false),
      compact_revision: int64(),
      cancel_reason: text(),
      fragment: either(true, false),
      events: list(() => ({ type: either(0, 1), kv: keyValue(), prev_kv: keyValue() })),
    }),
  ],
  [methods.authenticate, () => ({ header: header(), token: text() })],
  [
    methods.status,
    () => ({
      header: header(),
      version: text(),
      dbSize: int64(),
      raftIndex: uint64(),
      errors: list(text),
      isLearner: true,
    }),
  ],
]

/** A response as this driver shows it. */
const shownAs = (path: string, response: Record<string, unknown>): unknown => {
  if (path.endsWith('/Watch'))
    return {
      ...response,
      events: (response['events'] as { type: number; kv: object }[]).map(({ type, kv }) => ({
        type: type === 0 ? 'put' : 'delete',
        kv,
      })),
    }
  if (!path.endsWith('/Txn')) return response
  const items = response['responses'] as { response_range?: object }[]
  return { ...response, ranges: items.flatMap(({ response_range: range }) => range ?? []) }
}

test.each(responses)('responses of $path are read as protobufjs writes them', (method, random) => {
  for (let index = 0; index < count; index++) {
    const response = random()
    const read = method.read(new MessageReader(inProtobufjs(method).responseSerialize(response)))
    const expected = shownAs(method.path, response as Record<string, unknown>)
    expect(read).toEqual(project(expected, read))
  }
})

test('damaged responses are read, or refused as malformed', () => {
  let refused = 0
  for (let index = 0; index < count * 10; index++) {
    const [method, random] = either(...responses)
    const whole = Buffer.from(inProtobufjs(method).responseSerialize(random()))
    for (let changes = 1 + next(4); changes > 0 && whole.length > 0; changes--)
      whole[next(whole.length)] = either(next(256), 0xff)
    const damaged = next(3) === 0 ? whole.subarray(0, next(whole.length + 1)) : whole
    try {
      method.read(new MessageReader(damaged))
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error
      refused++
    }
  }
  expect(refused).toBeGreaterThan(0)
})

describe('MessageReader', () => {
  const reading = (hex: string): MessageReader => {
    const reader = new MessageReader(Buffer.from(hex, 'hex'))
    reader.next()
    return reader
  }

  it('skips fields of every type', () => {
    const reader = reading(`080111${'00'.repeat(8)}1a0361626325000000002801`)
    const skipped: number[] = []
    for (let field = 1; field !== 5; field = reader.next()) {
      reader.skip()
      skipped.push(field)
    }
    expect(skipped).toEqual([1, 2, 3, 4])
    expect(reader.bool()).toBe(true)
  })

  it.each([
    ['a value that is cut off', '0a05', (reader: MessageReader) => reader.bytes()],
    ['a length beyond the message', '0affffffff0f', (reader: MessageReader) => reader.text()],
    ['a number without an end', '08' + 'ff'.repeat(11), (reader: MessageReader) => reader.int64()],
    ['another type', '0801', (reader: MessageReader) => reader.bytes()],
    ['a type that does not exist', '0b', (reader: MessageReader) => reader.skip()],
    [
      'a value beyond its nested message',
      '0a0108ff',
      (reader: MessageReader) => reader.message((inner) => inner.next() && inner.number()),
    ],
  ])('refuses %s', (_, hex, read) => {
    expect(() => read(reading(hex))).toThrow(MalformedMessage)
  })

  it('refuses the field number 0', () => {
    expect(() => reading('0001')).toThrow(MalformedMessage)
  })
})

describe('MessageWriter', () => {
  it('refuses what is no natural number', () => {
    for (const value of [-1, 1.5, Number.NaN, 2 ** 53])
      expect(() => new MessageWriter().number(1, value)).toThrow(RangeError)
    expect(() => new MessageWriter().int64(1, 'x')).toThrow(SyntaxError)
  })
})
