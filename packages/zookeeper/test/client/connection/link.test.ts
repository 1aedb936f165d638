import { createDriverContext } from '@sd/core/driver'
import { expect, test } from 'vitest'
import { Link, type Trouble } from '../../../src/client/connection/link.ts'
import { GreetingHost, handshake } from '../greeting-host.ts'

test('an answer that is too long is refused before it is read, and the limit is named', async () => {
  const header = Buffer.alloc(4)
  header.writeInt32BE(64 * 1024 * 1024 + 1)
  await using host = await GreetingHost.thatSends(header)
  const options = {
    host: { host: '127.0.0.1', port: host.port },
    handshake: Buffer.from(handshake.sent, 'hex'),
    patienceMs: 10_000,
    clock: createDriverContext().clock,
  }
  const { promise, resolve, reject } = Promise.withResolvers<Trouble>()
  const events = { opened: () => {}, frame: () => {}, refused: reject, failed: resolve }
  const link = new Link(options, events)
  const trouble = await promise
  link.close()
  expect(trouble).toEqual({
    isSilent: false,
    why: expect.stringMatching(
      /^a frame of 67108865 bytes; at most 67108864 .*jute\.maxbuffer.*split the node/,
    ) as string,
  })
})
