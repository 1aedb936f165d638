import { setImmediate } from 'node:timers/promises'
import { StrangeHost } from '@sd/contract-tests/servers'
import { createDriverContext } from '@sd/core/driver'
import { expect, test, vi } from 'vitest'
import { Link, type Trouble } from '../../../src/client/connection/link.ts'
import { GreetingHost, handshake } from '../greeting-host.ts'

const connectRequest = Buffer.from(handshake.sent, 'hex')

test('an answer that is too long is refused before it is read, and the limit is named', async () => {
  const header = Buffer.alloc(4)
  header.writeInt32BE(64 * 1024 * 1024 + 1)
  await using host = await GreetingHost.thatSends(header)
  const options = {
    host: { host: '127.0.0.1', port: host.port },
    handshake: connectRequest,
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
      /^a frame of 67108865 bytes; at most 67108864 .*larger than this client reads \(64 MiB\); split the node/,
    ) as string,
  })
})

test('a frame that is not complete is told as a part, a whole one is not', async () => {
  const ping = Buffer.from('00000010fffffffe000000000000000000000000', 'hex')
  await using host = await GreetingHost.thatSends(Buffer.concat([ping, ping.subarray(0, 9)]))
  const told: string[] = []
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const link = new Link(
    {
      host: { host: '127.0.0.1', port: host.port },
      handshake: connectRequest,
      patienceMs: 10_000,
      clock: createDriverContext().clock,
    },
    {
      opened: () => told.push('opened'),
      frame: () => told.push('frame'),
      part: () => {
        told.push('part')
        resolve()
      },
      refused: reject,
      failed: reject,
    },
  )
  await promise
  link.close()
  expect(told).toEqual(['opened', 'frame', 'part'])
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
        handshake: connectRequest,
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

test('a name that is not resolved is told from a host that does not accept', async () => {
  await using silent = await StrangeHost.that('silent')
  let tooLate = (): void => {}
  const setTimer = (_: number, callback: () => void) => {
    tooLate = callback
    return { cancel: () => {} }
  }
  const options = {
    host: { host: 'localhost', port: Number(silent.endpoint.split(':')[1]) },
    handshake: connectRequest,
    patienceMs: 250,
    clock: { ...createDriverContext().clock, setTimer },
  }
  const failed = vi.fn<(trouble: Trouble) => void>()
  const events = { opened: () => {}, frame: () => {}, refused: () => {}, failed }
  const link = new Link(options, events)
  const seen = new Set<string>()
  // once in each turn of the event loop: no two of the steps are done in the same one
  do {
    seen.add(link.waiting.replace(/ for \d+ ms$/, ''))
    await setImmediate()
  } while (seen.size < 3)
  link.close()
  expect([...seen]).toEqual([
    'its name has not been resolved',
    'no connection',
    'it accepted a connection, and has not answered',
  ])
  const late = new Link(options, events)
  tooLate()
  late.close()
  const why = 'its name is not resolved within 250 ms'
  expect(failed.mock.calls).toEqual([[{ why, isSilent: true }]])
})
