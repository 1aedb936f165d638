import { readFileSync } from 'node:fs'
import { createDraw } from '@sd/contract-tests/world'
import { expect, test } from 'vitest'
import { FrameReader, FrameTooLong } from '../../../src/client/codec/frame-reader.ts'
import { readConnectReply } from '../../../src/client/codec/handshake.ts'
import { MalformedRecord, RecordReader } from '../../../src/client/codec/record-reader.ts'
import {
  readChildren,
  readData,
  readEvent,
  readHeader,
  readMulti,
  readMultiRead,
  readStat,
} from '../../../src/client/codec/replies.ts'
import { ZooKeeperError } from '../../../src/client/zookeeper-error.ts'
import { accepted, type Conversation, reads } from '../conversations/steps.ts'

/** More of them: `SD_FUZZ_FRAMES=500000`. */
const count = Number(process.env['SD_FUZZ_FRAMES'] ?? 5_000)

const file = new URL('../conversations/3.9.5.json', import.meta.url)
const conversation = JSON.parse(readFileSync(file, 'utf8')) as Conversation
const { handshake, resumed, steps, expired } = conversation
const frames = [handshake, resumed, ...steps, expired].flatMap(({ received }) =>
  received.map((hex) => Buffer.from(hex, 'hex').subarray(4)),
)

/** A frame with up to four bytes changed, cut or extended. */
const damaged = (next: (below: number) => number): Buffer => {
  const frame = Buffer.from(frames[next(frames.length)] as Buffer)
  for (let changes = 1 + next(4); changes > 0; changes--) {
    const at = next(frame.length)
    if (next(2) === 0) frame[at] = next(256)
    // lengths and counts are where a reader fails
    else if (at + 4 <= frame.length)
      frame.writeInt32BE([-1, -2, 0, 2 ** 31 - 1, -(2 ** 31), 65_536][next(6)] as number, at)
  }
  const cut = next(4)
  if (cut === 0) return frame.subarray(0, next(frame.length + 1))
  return cut === 1 ? Buffer.concat([frame, Buffer.alloc(next(40), next(256))]) : frame
}

const readers: readonly ((frame: Buffer) => unknown)[] = [
  readConnectReply,
  ...[
    readStat,
    readData,
    readChildren,
    readEvent,
    (reader: RecordReader) => reader.texts(),
    (reader: RecordReader) => readMulti(reader, accepted),
    (reader: RecordReader) => readMultiRead(reader, reads),
  ].map((read) => (frame: Buffer) => {
    const reader = new RecordReader(frame)
    readHeader(reader)
    return read(reader)
  }),
]

test(`${count} damaged frames are read, or refused as malformed`, { timeout: 600_000 }, () => {
  const { below: next } = createDraw(20_260)
  const outcomes = { read: 0, malformed: 0, refused: 0 }
  for (let index = 0; index < count; index++) {
    const frame = damaged(next)
    const read = readers[next(readers.length)] as (typeof readers)[number]
    try {
      read(frame)
      outcomes.read++
    } catch (error) {
      if (error instanceof MalformedRecord) outcomes.malformed++
      // the reply to a multi names the operation that failed
      else if (error instanceof ZooKeeperError) outcomes.refused++
      else throw new Error(`frame ${index}: ${frame.toString('hex')}`, { cause: error })
    }
  }
  for (const found of Object.values(outcomes)) expect(found).toBeGreaterThan(count / 1_000)
})

test('a damaged stream ends in an error or in whole frames', () => {
  const { below: next } = createDraw(7)
  const stream = Buffer.concat(frames.map((frame) => withLength(frame)))
  for (let round = 0; round < 200; round++) {
    const bytes = Buffer.from(stream)
    bytes[next(bytes.length)] = next(256)
    const reader = new FrameReader(1_000)
    let size = 0
    try {
      for (let at = 0; at < bytes.length; at += 50)
        for (const frame of reader.push(bytes.subarray(at, at + 50))) size += 4 + frame.length
    } catch (error) {
      if (!(error instanceof FrameTooLong)) throw error
    }
    expect(size).toBeLessThanOrEqual(bytes.length)
  }
})

const withLength = (frame: Buffer): Buffer => {
  const length = Buffer.alloc(4)
  length.writeInt32BE(frame.length)
  return Buffer.concat([length, frame])
}
