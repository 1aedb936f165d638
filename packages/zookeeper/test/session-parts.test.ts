import { jsonFormat } from '@sd/core/driver'
import { describe, expect, test } from 'vitest'
import type { ZooKeeperClient } from '../src/client/zookeeper-client.ts'
import { ZooKeeperError } from '../src/client/zookeeper-error.ts'
import { Keys } from '../src/keys.ts'
import { maxPathBytes, pathBytesOf } from '../src/session/session-part.ts'
import { type ConnectPart, SessionParts } from '../src/session/session-parts.ts'

const { signal } = new AbortController()
const keys = new Keys('n', jsonFormat)

/** Keys whose paths take a tenth of what fits into a part. */
const tenths = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, index) => {
    const name = `s/${from + index}-`
    return name.padEnd(maxPathBytes / 10 - 1 - pathBytesOf(keys.path('')), 'x')
  })

const createParts = () => {
  let opened = 0
  const ends = new Map<string, AbortController>()
  const timers: (() => void)[] = []
  const client = (): ZooKeeperClient => {
    const end = new AbortController()
    const sessionId = `session-${++opened}`
    ends.set(sessionId, end)
    return { sessionId, sessionTimeoutMs: 10_000, state: 'connected', ended: end.signal } as never
  }
  const bed = {
    connect: (async () => client()) as ConnectPart,
    lost: [] as string[],
    end: (id: string) =>
      ends.get(id)?.abort(new ZooKeeperError('SESSION_EXPIRED', { operation: 'x' })),
    runTimers: () => timers.splice(0).forEach((run) => run()),
  }
  const clock = {
    setTimer: (_: number, run: () => void) => {
      timers.push(run)
      return { cancel: () => {} }
    },
  }
  const context = { keys, clock, lastSeen: () => 'h:1 is silent' } as never
  const parts = new SessionParts(context, (under) => bed.connect(under), {
    added: () => {},
    lost: ({ id }) => bed.lost.push(id),
  })
  parts.add(client())
  const place = async (wanted: readonly string[]) => {
    const { placed, refusal } = await parts.place(wanted, signal)
    return { ids: wanted.map((key) => placed.get(key)?.id), refusal }
  }
  return { bed, parts, place }
}

describe('SessionParts', () => {
  test('opens one more part for all that do not fit, and keeps each key where it is', async () => {
    const { parts, place } = createParts()
    const [first, second] = await Promise.all([place(tenths(9)), place(tenths(5, 9))])
    expect(new Set(first.ids)).toEqual(new Set(['session-1']))
    expect(second.ids).toEqual(['session-1', ...Array.from({ length: 4 }, () => 'session-2')])
    expect((await place(tenths(9))).ids).toEqual(first.ids)
    for (const { pathBytes } of parts.all) expect(pathBytes).toBeLessThanOrEqual(maxPathBytes)
    expect(parts.all).toHaveLength(2)
  })

  test('gives the room of a removed key to another', async () => {
    const { parts, place } = createParts()
    const [removed = '', ...rest] = tenths(10)
    await place([removed, ...rest])
    parts.unplace(removed)
    parts.unplace(removed)
    expect((await place(tenths(1, 10))).ids).toEqual(['session-1'])
    expect((await place([removed])).ids).toEqual(['session-2'])
  })

  test('places the keys of a part that has ended in the others', async () => {
    const { bed, parts, place } = createParts()
    await place(tenths(12))
    bed.end('session-1')
    expect(bed.lost).toEqual(['session-1'])
    expect(parts.live.map(({ id }) => id)).toEqual(['session-2'])
    const { ids } = await place(tenths(12))
    expect(new Set(ids)).toEqual(new Set(['session-2', 'session-3']))
  })

  test('names the limit for what does not fit when no further part can be opened', async () => {
    const { bed, place } = createParts()
    bed.connect = () => Promise.reject(new Error('the server hung up'))
    const { ids, refusal } = await place(tenths(12))
    expect(ids.filter((id) => id === undefined)).toHaveLength(2)
    expect(refusal).toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/1 ZooKeeper session of .*the server hung up.*maxClientCnxns/),
    })
  })

  test('waits only a while for a part, once, and uses it when it is open', async () => {
    const { bed, place } = createParts()
    const { connect } = bed
    const { promise, resolve } = Promise.withResolvers<void>()
    bed.connect = async (under) => {
      await promise
      return connect(under)
    }
    const waiting = place(tenths(11))
    await new Promise(setImmediate)
    bed.runTimers()
    expect((await waiting).refusal?.message).toContain('not open within 1000 ms; h:1 is silent')
    expect((await place(tenths(11))).refusal?.message).toContain(
      'not open within 1000 ms; h:1 is silent',
    )
    resolve()
    await new Promise(setImmediate)
    expect((await place(tenths(11))).ids.at(-1)).toBe('session-2')
  })

  test('opens no part any more once it has ended', async () => {
    const { bed, parts, place } = createParts()
    bed.connect = (under) =>
      new Promise((_, reject) => {
        under.addEventListener('abort', () => reject(under.reason as Error))
      })
    const waiting = place(tenths(11))
    await parts.end(new Error('the session was closed'))
    expect((await waiting).refusal?.message).toContain('the session was closed')
  })
})
