import { describe, expect, test } from 'vitest'
import { nextXid } from '../../../src/client/codec/protocol-numbers.ts'
import { readConnectReply } from '../../../src/client/codec/handshake.ts'
import { MalformedRecord, RecordReader } from '../../../src/client/codec/record-reader.ts'
import { RecordWriter } from '../../../src/client/codec/record-writer.ts'
import { readEvent } from '../../../src/client/codec/replies.ts'
import { multiRequest, setRequest } from '../../../src/client/codec/requests.ts'

const reading = (write: (to: RecordWriter) => void): RecordReader => {
  const writer = new RecordWriter()
  write(writer)
  return new RecordReader(writer.finish())
}

describe('RecordReader reads what RecordWriter writes', () => {
  test('numbers at their limits', () => {
    const ints = [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)]
    const longs = [0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n)]
    const reader = reading((to) => {
      for (const value of ints) to.int(value)
      for (const value of longs) to.long(value)
      to.bool(true).bool(false)
    })
    expect(ints.map(() => reader.int())).toEqual(ints)
    expect(longs.map(() => reader.long())).toEqual(longs)
    expect([reader.bool(), reader.bool(), reader.left]).toEqual([true, false, 0])
  })

  test('texts, bytes and lists of any length', () => {
    const texts = ['', 'a', 'ä€𝄞', 'x'.repeat(10_000)]
    const data = Buffer.alloc(70_000, 7)
    const reader = reading((to) => {
      to.list(texts, (text) => to.text(text)).bytes(data)
      to.list([], () => {})
    })
    expect(reader.texts()).toEqual(texts)
    expect(reader.bytes()).toEqual(data)
    expect(reader.texts()).toEqual([])
  })

  test('null bytes, texts and lists are empty', () => {
    const reader = reading((to) => to.int(-1).int(-1).int(-1))
    expect([reader.bytes().length, reader.text(), reader.texts()]).toEqual([0, '', []])
  })
})

test.each(['', 'services', '�/services'])('an event of %j is malformed', (path) => {
  const event = reading((to) => to.int(3).int(3).text(path))
  expect(() => readEvent(event)).toThrow(MalformedRecord)
})

describe('RecordReader', () => {
  test('throws where the bytes end, before it allocates anything', () => {
    const huge = (): RecordReader => reading((to) => to.int(2 ** 31 - 1).int(0))
    expect(() => huge().bytes()).toThrow(MalformedRecord)
    expect(() => huge().text()).toThrow('a record ends after 8 bytes')
    expect(() => huge().texts()).toThrow(MalformedRecord)
    for (const read of ['int', 'long', 'bool', 'bytes', 'text', 'texts'] as const)
      expect(() => new RecordReader(Buffer.alloc(0))[read]()).toThrow(MalformedRecord)
  })
})

describe('requests', () => {
  test.each([0.5, Number.NaN, 2 ** 31, -(2 ** 31) - 1])('refuse the version %d', (version) => {
    expect(() => setRequest('/a', Buffer.alloc(0), version)).toThrow('is not a 32-bit integer')
  })

  test('refuse what is no path, no bytes and no operation', () => {
    expect(() => setRequest(1 as never, Buffer.alloc(0), 0)).toThrow('1 is not a text')
    expect(() => setRequest('/a', 'x' as never, 0)).toThrow('x is not bytes')
    expect(() => multiRequest([{ type: 'move', path: '/a' } as never], 'open')).toThrow(
      'move is no operation of a multi',
    )
  })

  test('the number replaces the last one', () => {
    const request = setRequest('/a', Buffer.from('x'), 0)
    expect(request.numbered(7).readInt32BE(4)).toBe(7)
    expect(request.numbered(2 ** 31 - 1).readInt32BE(4)).toBe(2 ** 31 - 1)
    expect(request.payloadBytes).toBe(4 + 2 + 4 + 1 + 4)
  })
})

describe('readConnectReply', () => {
  const reply = (size: number, passwordBytes = 16): Buffer => {
    const frame = Buffer.alloc(size)
    if (size >= 20) frame.writeInt32BE(passwordBytes, 16)
    return frame
  }

  test('the answer of an old server lacks the last byte', () => {
    expect(readConnectReply(reply(36))).toMatchObject({ timeoutMs: 0, readOnly: false })
    expect(readConnectReply(reply(37))).toMatchObject({ timeoutMs: 0, readOnly: false })
  })

  test.each([0, 4, 35, 38, 1_000])('refuses %d bytes', (size) => {
    expect(() => readConnectReply(reply(size))).toThrow(MalformedRecord)
  })

  test('refuses a password of another length', () => {
    expect(() => readConnectReply(reply(37, 0))).toThrow('handshake is malformed')
  })
})

test('request numbers stay positive, and begin again after the largest', () => {
  expect([0, 1, 2 ** 31 - 2, 2 ** 31 - 1].map(nextXid)).toEqual([1, 2, 2 ** 31 - 1, 1])
})
