import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { FrameReader } from '../../../src/client/codec/frame-reader.ts'
import { connectRequest, noSession, readConnectReply } from '../../../src/client/codec/handshake.ts'
import { RecordReader } from '../../../src/client/codec/record-reader.ts'
import {
  readChildren,
  readData,
  readEvent,
  readHeader,
  readMulti,
  readMultiRead,
  readStat,
  sessionIdText,
} from '../../../src/client/codec/replies.ts'
import {
  accepted,
  type Conversation,
  type Exchange,
  frameOf,
  reads,
  refused,
  steps,
} from '../conversations/steps.ts'

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex')

const recordings = ['3.8.0', '3.9.5'].map((version): Conversation => {
  const file = new URL(`../conversations/${version}.json`, import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8')) as Conversation
})

// recorded by conversations/record.ts
describe.each(recordings)('a conversation with ZooKeeper $server', (conversation) => {
  const step = (name: string): Exchange => {
    const found = conversation.steps.find((one) => one.name === name)
    if (!found) throw new Error(`no step ${name}`)
    return found
  }
  /** The answer to a step, after its header. */
  const answer = (name: string) => {
    const reader = new RecordReader(bytes(step(name).received.at(-1) ?? ''), 4)
    return { header: readHeader(reader), reader }
  }
  const granted = readConnectReply(bytes(conversation.handshake.received[0] ?? '').subarray(4))

  test('requests have the bytes that the server understood', () => {
    expect(connectRequest(noSession, 10_000, 0n)).toEqual(bytes(conversation.handshake.sent))
    for (const [index, { name, request }] of steps.entries())
      expect(frameOf(request(), index).toString('hex')).toBe(step(name).sent)
  })

  test('the handshake grants a session', () => {
    expect(granted).toMatchObject({ timeoutMs: 10_000, readOnly: false })
    expect(granted.id).toBeGreaterThan(0n)
    expect(granted.password).toHaveLength(16)
  })

  test('a session is resumed, and refused once it has ended', () => {
    const { resumed, expired } = conversation
    for (const { sent } of [resumed, expired])
      expect(connectRequest(granted, 10_000, 0n)).toEqual(bytes(sent))
    const again = readConnectReply(bytes(resumed.received[0] ?? '').subarray(4))
    expect(again).toEqual(granted)
    const refusal = readConnectReply(bytes(expired.received[0] ?? '').subarray(4))
    expect(refusal).toMatchObject({ timeoutMs: 0, id: 0n })
  })

  test.each([
    ['login', 0],
    ['create', 0],
    ['create existing', -110],
    ['exists with a watch', -101],
    ['set stale', -103],
    ['add a watch', 0],
    ['multi', 0],
    ['sync', 0],
    ['remove watches', 0],
    ['remove no watch', -121],
    ['ping', 0],
    ['delete the tree', 0],
    ['close', 0],
  ])('the answer to "%s" has the code %d', (name, code) => {
    const { header } = answer(name)
    expect(header).toMatchObject({ xid: bytes(step(name).sent).readInt32BE(4), code })
    expect(header.zxid).toBeGreaterThanOrEqual(0n)
  })

  test('data, children and metadata', () => {
    const found = readData(answer('get').reader)
    expect(found.data.toString()).toBe('ä')
    expect(found.stat).toMatchObject({ version: 0, ephemeralOwner: sessionIdText(granted.id) })
    expect(answer('ephemerals').reader.texts()).toEqual(['/tree/a'])
    const children = readChildren(answer('children').reader)
    expect(children).toMatchObject({ names: ['a'], stat: { childCount: 1, childrenVersion: 1 } })
    expect(readChildren(answer('children of a leaf').reader).names).toEqual([])
    const before = readStat(answer('exists').reader)
    const after = readStat(answer('set').reader)
    expect(before).toMatchObject({ version: 0, ephemeralOwner: '', childCount: 1 })
    expect(after).toMatchObject({ ...before, version: 1, modifiedZxid: after.modifiedZxid })
    expect(after.modifiedZxid).toBeGreaterThan(before.modifiedZxid)
    expect(before.childrenZxid).toBe(found.stat.createdZxid)
  })

  test('a multi, and its events before its answer', () => {
    expect(readMulti(answer('multi').reader, accepted)).toEqual([undefined, 0, 1, undefined])
    const events = step('multi')
      .received.slice(0, -1)
      .map((hex) => {
        const reader = new RecordReader(bytes(hex), 4)
        expect(readHeader(reader)).toMatchObject({ xid: -1, code: 0 })
        return readEvent(reader)
      })
    expect(events).toEqual([
      { type: 1, path: '/tree/b' },
      { type: 3, path: '/tree/a' },
      { type: 2, path: '/tree/a' },
    ])
    let failure: unknown
    try {
      readMulti(answer('multi refused').reader, refused)
    } catch (error) {
      failure = error
    }
    expect(failure).toMatchObject({ code: 'NODE_EXISTS', failedAt: 2, path: '/tree/b' })
  })

  test('a read of many has an outcome for each', () => {
    const outcomes = readMultiRead(answer('read many').reader, reads)
    expect(outcomes).toMatchObject([
      { type: 'get', data: Buffer.from('t1'), stat: { version: 1 } },
      { type: 'children', names: ['b'] },
      { type: 'refused', error: { code: 'NO_NODE', operation: 'get', path: '/tree/none' } },
    ])
  })

  test('cut at any byte, it has the same frames', () => {
    const exchanges = [conversation.handshake, ...conversation.steps]
    const frames = exchanges.flatMap(({ received }) => received.map(bytes))
    const stream = Buffer.concat(frames)
    const contents = frames.map((frame) => frame.subarray(4).toString('hex'))
    const read = (chunks: readonly Buffer[]): string[] => {
      const reader = new FrameReader(1_000)
      return chunks.flatMap((chunk) =>
        [...reader.push(chunk)].map((found) => found.toString('hex')),
      )
    }
    for (let at = 0; at <= stream.length; at++)
      expect(read([stream.subarray(0, at), stream.subarray(at)])).toEqual(contents)
    expect(read(Array.from(stream, (byte) => Buffer.from([byte])))).toEqual(contents)
  })
})
