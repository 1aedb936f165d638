import { StrangeHost } from '@sd/contract-tests/servers'
import { createDriverContext } from '@sd/core/driver'
import { expect, test, vi } from 'vitest'
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

test.each([undefined, async () => ({})])(
  'a host that accepts and stays silent is told from one that does not accept, also over TLS',
  async (secureOptions) => {
    await using host = await StrangeHost.that('silent')
    const { clock } = createDriverContext()
    const { promise, resolve, reject } = Promise.withResolvers<Trouble>()
    const link = new Link(
      {
        host: { host: '127.0.0.1', port: Number(host.endpoint.split(':')[1]) },
        secureOptions,
        handshake: Buffer.from(handshake.sent, 'hex'),
        patienceMs: 2_000,
        clock,
      },
      { opened: () => {}, frame: () => {}, refused: reject, failed: resolve },
    )
    expect(link.waiting).toMatch(/^no connection for \d+ ms$/)
    await vi.waitFor(() => expect(link.waiting).toMatch(/^it accepted a connection/), 1_900)
    expect(await promise).toEqual({
      isSilent: true,
      why: 'it accepts and does not answer within 2000 ms',
    })
  },
)
