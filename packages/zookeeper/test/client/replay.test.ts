import { readFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { createDriverContext, inParallel } from '@sd/core/driver'
import { expect, test, vi } from 'vitest'
import { FrameReader } from '../../src/client/codec/frame-reader.ts'
import { operations } from '../../src/client/codec/protocol-numbers.ts'
import { RecordReader } from '../../src/client/codec/record-reader.ts'
import { createZooKeeperClient } from '../../src/client/create-client.ts'
import type { TreeEvent, ZooKeeperClient } from '../../src/client/zookeeper-client.ts'
import { isCode } from '../../src/client/zookeeper-error.ts'
import { accepted, type Conversation, reads, refused } from './conversations/steps.ts'

/** Every byte: `SD_CUT_EVERY=1`. */
const cutEvery = Number(process.env['SD_CUT_EVERY'] ?? 13)

const file = new URL('conversations/3.9.5.json', import.meta.url)
const { handshake, steps } = JSON.parse(readFileSync(file, 'utf8')) as Conversation
const bytesOf = (hex: readonly string[]): Buffer => Buffer.from(hex.join(''), 'hex')
const signal = (): AbortSignal => AbortSignal.timeout(5_000)
const data = (text: string): Uint8Array => Buffer.from(text)

/** The calls whose answers were recorded, in order, each with what it must result in. */
const calls: readonly (readonly [
  name: string,
  call: (client: ZooKeeperClient, told: (event: TreeEvent) => void) => Promise<unknown>,
  expected: unknown,
])[] = [
  ['create', (c) => c.create('/tree', data('t'), 'persistent', signal()), undefined],
  ['create ephemeral', (c) => c.create('/tree/a', data('ä'), 'ephemeral', signal()), undefined],
  ['create existing', (c) => c.create('/tree', data(''), 'persistent', signal()), 'NODE_EXISTS'],
  ['exists with a watch', (c) => c.exists('/tree/b', signal(), () => {}), undefined],
  ['exists', (c) => c.exists('/tree', signal()), { version: 0, childCount: 1 }],
  ['get', (c) => c.get('/tree/a', signal()), { data: data('ä'), stat: { version: 0 } }],
  ['children', (c) => c.children('/tree', signal()), { names: ['a'] }],
  ['children of a leaf', (c) => c.children('/tree/a', signal()), { names: [] }],
  ['set', (c) => c.set('/tree', data('t1'), 0, signal()), { version: 1 }],
  ['set stale', (c) => c.set('/tree', data('t2'), 0, signal()), 'BAD_VERSION'],
  ['add a watch', (c, told) => c.addWatch('/tree', told, signal()), undefined],
  ['multi', (c) => c.multi(accepted, signal()), [undefined, 0, 1, undefined]],
  ['multi refused', (c) => c.multi(refused, signal()), 'NODE_EXISTS'],
  ['read many', (c) => c.multiRead(reads, signal()), [{ type: 'get' }, { names: ['b'] }, {}]],
  ['remove watches', (c) => c.removeWatches('/tree', signal()), undefined],
  ['remove no watch', (c) => c.removeWatches('/tree', signal()), undefined],
  ['delete', (c) => c.delete('/tree/b', 0, signal()), undefined],
  ['delete the tree', (c) => c.delete('/tree', -1, signal()), undefined],
]

/** Answers requests with what a server answered, up to a byte of the first connection. */
class Replay {
  readonly #server: Server
  readonly #cutAt: number
  connections = 0

  constructor(cutAt: number) {
    this.#cutAt = cutAt
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket))
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    const address = this.#server.address()
    return typeof address === 'object' && address ? `127.0.0.1:${address.port}` : ''
  }

  close(): Promise<unknown> {
    return new Promise((resolve) => this.#server.close(resolve))
  }

  #serve(socket: Socket): void {
    let left = ++this.connections === 1 ? this.#cutAt : Infinity
    const reader = new FrameReader(10_000)
    const unused = [...steps]
    let isGreeted = false
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      for (const frame of reader.push(chunk)) {
        const answer = isGreeted ? answerTo(frame, unused) : bytesOf(handshake.received)
        isGreeted = true
        socket.write(answer.subarray(0, Math.min(left, answer.length)))
        left -= answer.length
        if (left <= 0) socket.end()
      }
    })
  }
}

/** The operation of a request and, unless it is a list, its path: permissions may differ. */
const subjectOf = (frame: Buffer): string => {
  const reader = new RecordReader(frame, 4)
  const operation = reader.int()
  const hasPath =
    reader.left > 0 &&
    ![operations.multi, operations.multiRead, operations.auth].some((other) => other === operation)
  return hasPath ? `${operation} ${reader.text()}` : `${operation}`
}

/** The recorded answer to such a request, under its number. */
const answerTo = (frame: Buffer, unused: (typeof steps)[number][]): Buffer => {
  const subject = subjectOf(frame)
  const matches = ({ sent }: { readonly sent: string }): boolean =>
    subjectOf(bytesOf([sent]).subarray(4)) === subject
  const at = unused.findIndex(matches)
  const step = at < 0 ? steps.find(matches) : unused.splice(at, 1)[0]
  if (!step) throw new Error(`no recorded answer to ${subject}`)
  const answer = bytesOf(step.received)
  const last = (step.received.at(-1) ?? '').length / 2
  answer.writeInt32BE(frame.readInt32BE(0), answer.length - last + 4)
  return answer
}

const total = bytesOf([handshake, ...steps].flatMap(({ received }) => received)).length

const contextOf = () =>
  createDriverContext({ random: { next: () => 0, id: () => 'x' }, report: () => {} })

/** Resolves with whether calls were lost. */
const runCutAfter = async (cutAt: number): Promise<boolean> => {
  const replay = new Replay(cutAt)
  const client = createZooKeeperClient({
    hosts: [await replay.listen()],
    sessionTimeoutMs: 10_000,
    username: 'user',
    password: 'password',
    context: contextOf(),
  })
  await client.connect(signal())
  const told: string[] = []
  const results = await Promise.allSettled(
    calls.map(([, call]) =>
      call(client, (event) => told.push('path' in event ? `${event.type} ${event.path}` : 'lost')),
    ),
  )
  const lostFrom = results.findIndex(
    (result) => result.status === 'rejected' && isCode(result.reason, 'CONNECTION_LOSS'),
  )
  for (const [index, [name, , expected]] of calls.entries()) {
    const isLost = lostFrom >= 0 && index >= lostFrom
    const code = isLost ? 'CONNECTION_LOSS' : expected
    const outcome = typeof code === 'string' ? { reason: { code } } : { value: expected }
    expect(results[index], `${name}, cut after ${cutAt} bytes`).toMatchObject(outcome)
  }
  const changes = ['created /tree/b', 'changed /tree/a', 'deleted /tree/a', 'lost']
  expect(changes).toEqual(expect.arrayContaining(told))
  // the next connection works
  const isThere = async (): Promise<void> =>
    expect(await client.exists('/tree', signal())).toMatchObject({ childCount: 1 })
  await vi.waitFor(isThere, 5_000)
  await client.close(signal())
  await replay.close()
  return lostFrom >= 0
}

test(
  `cut after any of ${total} bytes of a conversation, each call is answered or lost`,
  { timeout: 120_000 },
  async () => {
    const cuts = Array.from({ length: Math.ceil(total / cutEvery) }, (_, at) => 1 + at * cutEvery)
    const outcomes = await inParallel(cuts, 25, runCutAfter)
    // the others were cut during the handshake or after everything
    expect(outcomes.filter((lost) => lost).length).toBeGreaterThan(cuts.length / 2)
  },
)
