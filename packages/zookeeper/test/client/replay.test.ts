import { readFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { endpointOf } from '@sd/contract-tests/servers'
import { createDriverContext, inParallel } from '@sd/core/driver'
import { describe, expect, test, vi } from 'vitest'
import { FrameReader } from '../../src/client/codec/frame-reader.ts'
import { operations } from '../../src/client/codec/protocol-numbers.ts'
import { RecordReader } from '../../src/client/codec/record-reader.ts'
import { createZooKeeperClient } from '../../src/client/create-client.ts'
import type { TreeEvent, ZooKeeperClient } from '../../src/client/zookeeper-client.ts'
import { isCode, ZooKeeperError } from '../../src/client/zookeeper-error.ts'
import {
  accepted,
  type Conversation,
  type Exchange,
  reads,
  refused,
} from './conversations/steps.ts'

/** Every byte: `SD_CUT_EVERY=1`. */
const every = Number(process.env['SD_CUT_EVERY'] ?? 13)

const recorded = (version: string): Conversation =>
  JSON.parse(
    readFileSync(new URL(`conversations/${version}.json`, import.meta.url), 'utf8'),
  ) as Conversation
const bytesOf = (hex: readonly string[]): Buffer => Buffer.from(hex.join(''), 'hex')
const signal = (): AbortSignal => AbortSignal.timeout(20_000)
const data = (text: string): Uint8Array => Buffer.from(text)

/** The calls whose answers were recorded, in order, each with what it must result in. */
const calls: readonly (readonly [
  name: string,
  call: (client: ZooKeeperClient, told: (event: TreeEvent) => void) => Promise<unknown>,
  expected: unknown,
])[] = [
  ['create', (c) => c.create('/tree', data('t'), 'persistent', signal()), undefined],
  ['create ephemeral', (c) => c.create('/tree/a', data('ä'), 'ephemeral', signal()), undefined],
  ['ephemerals', (c) => c.ephemerals('/tree', signal()), ['/tree/a']],
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

/** What happens to the bytes of the first connection; the others are answered as recorded. */
interface Flaw {
  /** It ends after this many bytes. */
  readonly cutAt?: number
  /** The bits of this byte are inverted. */
  readonly damagedAt?: number
}

/** Answers requests with what a server answered, except for a flaw. */
class Replay {
  readonly #server: Server
  readonly #conversation: Conversation
  readonly #flaw: Flaw
  connections = 0

  constructor(conversation: Conversation, flaw: Flaw) {
    this.#conversation = conversation
    this.#flaw = flaw
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket))
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return endpointOf(this.#server)
  }

  close(): Promise<unknown> {
    return new Promise((resolve) => this.#server.close(resolve))
  }

  #serve(socket: Socket): void {
    const { cutAt = Infinity, damagedAt = Infinity }: Flaw =
      ++this.connections === 1 ? this.#flaw : {}
    const reader = new FrameReader(10_000)
    const unused = [...this.#conversation.steps]
    let sent = 0
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      for (const frame of reader.push(chunk)) {
        const answer =
          sent === 0
            ? bytesOf(this.#conversation.handshake.received)
            : this.#answerTo(frame, unused)
        const at = damagedAt - sent
        if (at >= 0 && at < answer.length) answer.writeUInt8(answer.readUInt8(at) ^ 0xff, at)
        socket.write(answer.subarray(0, Math.max(0, cutAt - sent)))
        sent += answer.length
        if (sent >= cutAt) socket.end()
      }
    })
  }

  /** The recorded answer to such a request, under its number. */
  #answerTo(frame: Buffer, unused: Exchange[]): Buffer {
    const subject = subjectOf(frame)
    const matches = ({ sent }: Exchange): boolean =>
      subjectOf(bytesOf([sent]).subarray(4)) === subject
    const at = unused.findIndex(matches)
    const step = at < 0 ? this.#conversation.steps.find(matches) : unused.splice(at, 1)[0]
    if (!step) throw new Error(`no recorded answer to ${subject}`)
    const answer = bytesOf(step.received)
    const last = (step.received.at(-1) ?? '').length / 2
    answer.writeInt32BE(frame.readInt32BE(0), answer.length - last + 4)
    return answer
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

const contextOf = () =>
  createDriverContext({ random: { next: () => 0, id: () => 'x' }, report: () => {} })

/** What came of the calls of a client. */
interface Outcome {
  readonly results: readonly PromiseSettledResult<unknown>[]
  /** The changes that a watch was told. */
  readonly told: readonly string[]
}

/**
 * Makes all calls over a first connection with a flaw, and checks that a client works afterwards. Resolves to
 * `undefined` if the login was refused.
 */
const runWith = async (conversation: Conversation, flaw: Flaw): Promise<Outcome | undefined> => {
  const replay = new Replay(conversation, flaw)
  const client = createZooKeeperClient({
    hosts: [await replay.listen()],
    sessionTimeoutMs: 10_000,
    username: 'user',
    password: 'password',
    context: contextOf(),
  })
  try {
    try {
      await client.connect(signal())
    } catch (error) {
      if (isCode(error, 'AUTH_FAILED')) return undefined
      throw error
    }
    // after a damaged length the client waits for the rest of a frame; a session leaves such a server
    // when a heartbeat is not answered
    const silence = setTimeout(() => client.reconnect(), 1_000)
    const told: string[] = []
    const results = await Promise.allSettled(
      calls.map(([, call]) =>
        call(client, (event) =>
          told.push('path' in event ? `${event.type} ${event.path}` : 'lost'),
        ),
      ),
    )
    clearTimeout(silence)
    // this connection, or the next one, works
    const isThere = async (): Promise<void> => {
      const found = await client.exists('/tree', AbortSignal.timeout(1_000)).catch(() => {})
      if (!found) client.reconnect()
      expect(found).toMatchObject({ childCount: 1 })
    }
    await vi.waitFor(isThere, 20_000)
    await client.close(signal())
    return { results, told }
  } finally {
    await replay.close()
  }
}

type Settled = PromiseSettledResult<unknown>

const isLost = (result: Settled): boolean =>
  result.status === 'rejected' && isCode(result.reason, 'CONNECTION_LOSS')

/** The calls, by name, that were not lost, and have another result than the recorded one. */
const wrongOf = (results: readonly Settled[]): string[] =>
  calls.flatMap(([name, , expected], index) => {
    const result = results[index]
    const outcome =
      typeof expected === 'string' ? { reason: { code: expected } } : { value: expected }
    if (result === undefined || isLost(result)) return []
    try {
      expect(result).toMatchObject(outcome)
      return []
    } catch {
      return [name]
    }
  })

const changes = ['created /tree/b', 'changed /tree/a', 'deleted /tree/a', 'lost']

describe.each(['3.8.0', '3.9.5'])('a conversation with ZooKeeper %s', (version) => {
  const conversation = recorded(version)
  const received = [conversation.handshake, ...conversation.steps].flatMap((step) => step.received)
  const total = bytesOf(received).length
  const places = Array.from({ length: Math.ceil(total / every) }, (_, at) => at * every)

  test(
    `cut after any of ${total} bytes, each call is answered or lost`,
    { timeout: 120_000 },
    async () => {
      const lost = await inParallel(places, 25, async (place) => {
        const { results = [], told = [] } =
          (await runWith(conversation, { cutAt: 1 + place })) ?? {}
        const lostFrom = results.findIndex(isLost)
        // the answers before the cut have arrived
        expect(lostFrom < 0 || results.slice(lostFrom).every(isLost)).toBe(true)
        expect(wrongOf(results), `cut after ${1 + place} bytes`).toEqual([])
        expect(changes).toEqual(expect.arrayContaining([...told]))
        return lostFrom >= 0
      })
      // the others were cut during the handshake or after everything
      expect(lost.filter((isOne) => isOne).length).toBeGreaterThan(places.length / 2)
    },
  )

  test(
    `with any of ${total} bytes damaged, every other call is answered or lost`,
    { timeout: 240_000 },
    async () => {
      const outcomes = await inParallel(places, 50, async (damagedAt) => {
        const outcome = await runWith(conversation, { damagedAt })
        if (!outcome) return 'refused'
        const { results } = outcome
        const wrong = wrongOf(results)
        // the byte may be a part of one answer's content
        expect(wrong.length, `byte ${damagedAt} damaged: ${wrong.join(', ')}`).toBeLessThanOrEqual(
          1,
        )
        const reasons: unknown[] = results.flatMap((result) =>
          result.status === 'rejected' ? [result.reason] : [],
        )
        for (const reason of reasons) expect(reason).toBeInstanceOf(ZooKeeperError)
        return results.some(isLost) ? 'lost' : 'answered'
      })
      const count = (outcome: string): number => outcomes.filter((one) => one === outcome).length
      // the four bytes of the code in the answer to the login
      expect(count('refused')).toBeLessThanOrEqual(4)
      for (const outcome of ['lost', 'answered']) expect(count(outcome)).toBeGreaterThan(0)
    },
  )
})
