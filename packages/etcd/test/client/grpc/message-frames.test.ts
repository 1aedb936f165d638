import { expect, test } from 'vitest'
import { MessageFrames, prefixBytes, withPrefix } from '../../../src/client/grpc/message-frames.ts'

const frame = (content: string): Buffer =>
  withPrefix(Buffer.concat([Buffer.alloc(prefixBytes), Buffer.from(content)]))

test('messages are found however their bytes are divided', () => {
  const contents = ['', 'a', 'x'.repeat(300), '', 'last']
  const all = Buffer.concat(contents.map(frame))
  for (const size of [1, 2, 3, 5, 7, 100, all.length]) {
    const frames = new MessageFrames()
    const found: string[] = []
    for (let at = 0; at < all.length; at += size)
      for (const message of frames.push(all.subarray(at, at + size))) found.push(message.toString())
    expect(found).toEqual(contents)
    expect(frames.isPartial).toBe(false)
  }
})

test('a message that is cut off is partial', () => {
  const frames = new MessageFrames()
  expect([...frames.push(frame('abc').subarray(0, 6))]).toEqual([])
  expect(frames.isPartial).toBe(true)
})

test('a compressed message is refused', () => {
  const compressed = frame('abc')
  compressed[0] = 1
  expect(() => [...new MessageFrames().push(compressed)]).toThrow(/compressed/)
})
