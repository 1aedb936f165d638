import { describe, expect, test } from 'vitest'
import { checkConnectReply, checkReply } from '../../src/client/guards/reply-check.ts'

const reply = (xid: number, code: number): Buffer => {
  const frame = Buffer.alloc(20)
  frame.writeInt32BE(16, 0)
  frame.writeInt32BE(xid, 4)
  frame.writeInt32BE(code, 16)
  return frame
}

describe('checkReply', () => {
  test.each([0, -4, -101, -110])('leaves code %d unchanged, which the library knows', (code) => {
    const frame = reply(7, code)
    expect(checkReply(frame)).toEqual({ xid: 7, code })
    expect(frame).toEqual(reply(7, code))
  })

  test.each([-118, -125, -127, 5])('code %d is reported, and replaced for the library', (code) => {
    const frame = reply(7, code)
    expect(checkReply(frame)).toEqual({ xid: 7, code })
    expect(frame).toEqual(reply(7, -1))
  })

  test('any error code in the answer to a login is a refusal', () => {
    const frame = reply(-4, -124)
    checkReply(frame)
    expect(frame).toEqual(reply(-4, -115))
  })

  test('throws on a reply that is too short', () => {
    expect(() => checkReply(Buffer.alloc(12))).toThrow(RangeError)
  })
})

describe('checkConnectReply', () => {
  const handshake = (size: number, passwordBytes = 16): Buffer => {
    const frame = Buffer.alloc(4 + size)
    frame.writeInt32BE(size, 0)
    if (size >= 20) frame.writeInt32BE(passwordBytes, 20)
    return frame
  }

  test.each([36, 37])('accepts %d bytes', (size) => {
    expect(() => checkConnectReply(handshake(size))).not.toThrow()
  })

  test.each([0, 4, 35, 38, 1_000])('refuses %d bytes', (size) => {
    expect(() => checkConnectReply(handshake(size))).toThrow('not a ZooKeeper server')
  })

  test('refuses a password of another length', () => {
    expect(() => checkConnectReply(handshake(37, 0))).toThrow('not a ZooKeeper server')
  })
})
