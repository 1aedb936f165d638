import { describe, expect, test } from 'vitest'
import { FrameReader, FrameTooLong } from '../../../src/client/codec/frame-reader.ts'

const frame = (content: string): Buffer => {
  const body = Buffer.from(content)
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length)
  return Buffer.concat([length, body])
}

const maxBytes = 64 * 1024 * 1024

const read = (chunks: readonly Buffer[]): string[] => {
  const reader = new FrameReader(maxBytes)
  return chunks.flatMap((chunk) => [...reader.push(chunk)]).map((found) => found.toString())
}

describe('FrameReader', () => {
  const contents = ['one', '', 'three'.repeat(100), 'four']
  const stream = Buffer.concat(contents.map(frame))

  test('finds the frames wherever the stream is split', () => {
    expect(read([stream])).toEqual(contents)
    for (let size = 1; size < stream.length; size++) {
      const chunks: Buffer[] = []
      for (let at = 0; at < stream.length; at += size) chunks.push(stream.subarray(at, at + size))
      expect(read(chunks)).toEqual(contents)
    }
  })

  test('keeps an incomplete frame only in its own reader', () => {
    expect(read([frame('cut off').subarray(0, 8)])).toEqual([])
    expect(read([frame('another')])).toEqual(['another'])
  })

  test('reads 200,000 small frames, and a large one in small pieces, without repeated copies', () => {
    const many = Buffer.concat(Array.from({ length: 200_000 }, () => frame('x')))
    const large = frame('y'.repeat(8_000_000))
    const pieces = Array.from({ length: 8_000 }, (_, at) =>
      large.subarray(at * 1_001, (at + 1) * 1_001),
    )
    const began = performance.now()
    expect(read([many])).toHaveLength(200_000)
    expect(read(pieces)).toHaveLength(1)
    expect(performance.now() - began).toBeLessThan(2_000)
  })

  test.each([
    'HTTP/1.1 400 Bad Request',
    Buffer.from([0xff, 0xff, 0xff, 0xfe]),
    Buffer.from([4, 0, 0, 1]),
  ])('throws on an invalid frame length: %s', (data) => {
    expect(() => [...new FrameReader(maxBytes).push(Buffer.from(data as Buffer))]).toThrow(
      `at most ${maxBytes} are accepted`,
    )
  })

  test('applies a new limit to the next frame', () => {
    const reader = new FrameReader(3)
    const found: string[] = []
    for (const content of reader.push(Buffer.concat([frame('one'), frame('four')]))) {
      found.push(content.toString())
      reader.maxBytes = 4
    }
    expect(found).toEqual(['one', 'four'])
    expect(() => [...reader.push(frame('three'))]).toThrow(FrameTooLong)
  })
})
