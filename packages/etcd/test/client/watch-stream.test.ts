import { beforeEach, describe, expect, it } from 'vitest'
import type {
  ResponseHeader,
  WatchEvent,
  WatchRequest,
  WatchResponse,
} from '../../src/client/codec/messages.ts'
import { type WatchReceiver, WatchStream } from '../../src/client/watch-stream.ts'
import { etcdError } from '../../src/errors.ts'

let sent: WatchRequest[]
let cancelled: number

const answer = (response: Partial<WatchResponse>): void =>
  stream.message({
    header: header('1'),
    watch_id: '0',
    created: false,
    canceled: false,
    compact_revision: '0',
    cancel_reason: '',
    fragment: false,
    events: [],
    ...response,
  })

const header = (revision: string): ResponseHeader => ({ cluster_id: '7', revision })

const event = (key: string, revision: string): WatchEvent => ({
  type: 'put',
  kv: { key: Buffer.from(key), value: Buffer.alloc(0), mod_revision: revision, lease: '0' },
})

const target = {
  key: Buffer.from('a'),
  range_end: Buffer.from('b'),
}

let stream: WatchStream
let log: string[]

const receiver = (name: string): WatchReceiver => ({
  push: ({ header: { revision }, events }) => {
    const keys = events.map(({ kv }) => kv.key.toString()).join()
    log.push(`${name} ${keys || `created ${revision}`}`)
  },
  fail: ({ code }) => void log.push(`${name} ${code}`),
})

beforeEach(() => {
  log = []
  sent = []
  cancelled = 0
  stream = new WatchStream(
    { send: (request) => void sent.push(request), cancel: () => void cancelled++ },
    () => void log.push('idle'),
  )
})

describe('WatchStream', () => {
  it('gives ids in the order of creation, and routes by id', () => {
    stream.add(target, receiver('a'))
    stream.add(target, receiver('b'))
    expect(sent[0]?.create_request).toEqual({ ...target, fragment: true })
    answer({ created: true, watch_id: '3' })
    answer({ created: true, watch_id: '4' })
    answer({ watch_id: '4', events: [event('x', '6')] })
    answer({ watch_id: '3', header: header('9') })
    expect(log).toEqual(['a created 1', 'b created 1', 'b x'])
  })

  it('joins fragments, for each watch separately', () => {
    stream.add(target, receiver('a'))
    stream.add(target, receiver('b'))
    answer({ created: true, watch_id: '0' })
    answer({ created: true, watch_id: '1' })
    log = []
    answer({ watch_id: '0', fragment: true, events: [event('x', '6')] })
    answer({ watch_id: '1', events: [event('y', '6')] })
    answer({ watch_id: '0', fragment: true, events: [event('y', '6')] })
    answer({ watch_id: '0', events: [event('z', '6')] })
    expect(log).toEqual(['b y', 'a x,y,z'])
  })

  it('fails only the watch that is forbidden', () => {
    stream.add(target, receiver('a'))
    stream.add(target, receiver('b'))
    const cancel_reason = 'rpc error: code = PermissionDenied desc = etcdserver: permission denied'
    answer({ created: true, canceled: true, watch_id: '-1', cancel_reason })
    answer({ created: true, watch_id: '0' })
    expect(log).toEqual(['a permission-denied', 'b created 1'])
  })

  it('reports why a watch was cancelled: a compaction, or no reason', () => {
    const reasons: string[] = []
    for (const name of ['a', 'b'])
      stream.add(target, {
        ...receiver(name),
        fail: ({ code, message }) => void reasons.push(`${code} ${message}`),
      })
    answer({ created: true, watch_id: '0' })
    answer({ created: true, watch_id: '1' })
    answer({ canceled: true, watch_id: '0', compact_revision: '44' })
    answer({ canceled: true, watch_id: '1' })
    expect(reasons).toEqual([
      expect.stringMatching(/^unavailable .*compacted its history up to revision 44/),
      expect.stringMatching(/^unavailable .*cancelled the watch/),
    ])
    expect(log.at(-1)).toBe('idle')
  })

  it('drops responses of a cancelled watch, and cancels one that is created after its abort', () => {
    const cancelA = stream.add(target, receiver('a'))
    const cancelB = stream.add(target, receiver('b'))
    stream.add(target, receiver('c'))
    answer({ created: true, watch_id: '0' })
    cancelA()
    cancelB()
    answer({ watch_id: '0', events: [event('x', '6')] })
    answer({ created: true, watch_id: '1' })
    answer({ canceled: true, watch_id: '0' })
    answer({ created: true, watch_id: '2' })
    expect(log).toEqual(['a created 1', 'c created 1'])
    expect(sent.flatMap(({ cancel_request: c }) => (c ? [c.watch_id] : []))).toEqual(['0', '1'])
  })

  it('is idle after the last watch has ended', () => {
    const cancel = stream.add(target, receiver('a'))
    cancel()
    cancel()
    expect(log).toEqual(['idle'])
  })

  it('requests a sign of life with one watch that it cancels, for any number of probes', async () => {
    stream.add(target, receiver('a'))
    answer({ created: true, watch_id: '0' })
    const probes = [stream.probe(), stream.probe()]
    expect(sent.slice(1)).toEqual([
      {
        create_request: { key: target.key, filters: [0, 1] },
      },
    ])
    answer({ created: true, watch_id: '1' })
    await Promise.all(probes)
    expect(sent.at(-1)).toEqual({ cancel_request: { watch_id: '1' } })
    answer({ canceled: true, watch_id: '1' })
    expect([log, stream.size]).toEqual([['a created 1'], 1])
  })

  it('accepts any response as a sign of life, and a manual progress only as that', async () => {
    stream.add(target, receiver('a'))
    answer({ created: true, watch_id: '0' })
    const probe = stream.probe()
    answer({ watch_id: '-1', header: header('99') })
    await probe
    const refused = stream.probe()
    answer({ created: true, canceled: true, watch_id: '-1', cancel_reason: 'no right' })
    await refused
    expect(log).toEqual(['a created 1'])
  })

  it('waits for the answer to a pending creation instead of sending another request', async () => {
    stream.add(target, receiver('a'))
    const probe = stream.probe()
    expect(sent).toHaveLength(1)
    answer({ created: true, watch_id: '0' })
    await probe
  })

  it('fails every watch and every probe once when it breaks', async () => {
    stream.add(target, receiver('a'))
    stream.add(target, receiver('b'))
    answer({ created: true, watch_id: '0' })
    const probe = stream.probe()
    for (const why of ['gone', 'again']) stream.end(etcdError('unavailable', 'watch', why))
    await expect(probe).rejects.toMatchObject({ code: 'unavailable' })
    await expect(stream.probe()).rejects.toMatchObject({ code: 'unavailable' })
    stream.add(target, receiver('c'))
    expect(log).toEqual(['a created 1', 'b unavailable', 'a unavailable', 'c unavailable'])
    expect(cancelled).toBe(1)
  })

  it('refuses a response that nothing asked for', () => {
    stream.add(target, receiver('a'))
    answer({ created: true, watch_id: '0' })
    expect(() => answer({ created: true, watch_id: '1' })).toThrow(/was not requested/)
  })
})
