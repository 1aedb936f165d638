import { EventEmitter } from 'node:events'
import type { IEvent, IResponseHeader, IWatchRequest, IWatchResponse } from 'etcd3'
import { beforeEach, describe, expect, it } from 'vitest'
import { type WatchReceiver, WatchStream } from '../src/client/watch-stream.ts'
import { etcdError } from '../src/errors.ts'

class FakeDuplex extends EventEmitter {
  readonly written: IWatchRequest[] = []
  cancelled = 0
  write(request: IWatchRequest): void {
    this.written.push(request)
  }
  end(): void {}
  cancel(): void {
    this.cancelled++
  }
  answer(response: Partial<IWatchResponse>): void {
    this.emit('data', {
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
  }
}

const header = (revision: string): IResponseHeader => ({
  cluster_id: '7',
  member_id: '8',
  revision,
  raft_term: '1',
})

const event = (key: string, revision: string): IEvent =>
  ({ type: 'Put', kv: { key: Buffer.from(key), mod_revision: revision } }) as IEvent

const target = {
  key: Buffer.from('a'),
  range_end: Buffer.from('b'),
}

let duplex: FakeDuplex
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
  duplex = new FakeDuplex()
  stream = new WatchStream(duplex, {
    heard: () => {},
    broken: (cause) => {
      log.push('broken')
      return etcdError('unavailable', 'watch', String(cause))
    },
    idle: () => void log.push('idle'),
  })
})

describe('WatchStream', () => {
  it('gives ids in the order of creation, and routes by id', () => {
    stream.add(target, receiver('a'))
    stream.add(target, receiver('b'))
    expect(duplex.written[0]?.create_request).toEqual({
      ...target,
      start_revision: '0',
      fragment: true,
    })
    duplex.answer({ created: true, watch_id: '3' })
    duplex.answer({ created: true, watch_id: '4' })
    duplex.answer({ watch_id: '4', events: [event('x', '6')] })
    duplex.answer({ watch_id: '3', header: header('9') })
    expect(log).toEqual(['a created 1', 'b created 1', 'b x'])
  })

  it('joins fragments, for each watch separately', () => {
    stream.add(target, receiver('a'))
    stream.add(target, receiver('b'))
    duplex.answer({ created: true, watch_id: '0' })
    duplex.answer({ created: true, watch_id: '1' })
    log = []
    duplex.answer({ watch_id: '0', fragment: true, events: [event('x', '6')] })
    duplex.answer({ watch_id: '1', events: [event('y', '6')] })
    duplex.answer({ watch_id: '0', fragment: true, events: [event('y', '6')] })
    duplex.answer({ watch_id: '0', events: [event('z', '6')] })
    expect(log).toEqual(['b y', 'a x,y,z'])
  })

  it('fails only the watch that is forbidden', () => {
    stream.add(target, receiver('a'))
    stream.add(target, receiver('b'))
    const cancel_reason = 'rpc error: code = PermissionDenied desc = etcdserver: permission denied'
    duplex.answer({ created: true, canceled: true, watch_id: '-1', cancel_reason })
    duplex.answer({ created: true, watch_id: '0' })
    expect(log).toEqual(['a permission-denied', 'b created 1'])
  })

  it('reports why a watch was cancelled: a compaction, or no reason', () => {
    const reasons: string[] = []
    for (const name of ['a', 'b'])
      stream.add(target, {
        ...receiver(name),
        fail: ({ code, message }) => void reasons.push(`${code} ${message}`),
      })
    duplex.answer({ created: true, watch_id: '0' })
    duplex.answer({ created: true, watch_id: '1' })
    duplex.answer({ canceled: true, watch_id: '0', compact_revision: '44' })
    duplex.answer({ canceled: true, watch_id: '1' })
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
    duplex.answer({ created: true, watch_id: '0' })
    cancelA()
    cancelB()
    duplex.answer({ watch_id: '0', events: [event('x', '6')] })
    duplex.answer({ created: true, watch_id: '1' })
    duplex.answer({ canceled: true, watch_id: '0' })
    duplex.answer({ created: true, watch_id: '2' })
    expect(log).toEqual(['a created 1', 'c created 1'])
    expect(duplex.written.flatMap(({ cancel_request: c }) => (c ? [c.watch_id] : []))).toEqual([
      '0',
      '1',
    ])
  })

  it('is idle after the last watch has ended', () => {
    const cancel = stream.add(target, receiver('a'))
    cancel()
    cancel()
    expect(log).toEqual(['idle'])
  })

  it('requests a sign of life with one watch that it cancels, for any number of probes', async () => {
    stream.add(target, receiver('a'))
    duplex.answer({ created: true, watch_id: '0' })
    const probes = [stream.probe(), stream.probe()]
    expect(duplex.written.slice(1)).toEqual([
      {
        create_request: { key: target.key, start_revision: '0', filters: [0, 1] },
      },
    ])
    duplex.answer({ created: true, watch_id: '1' })
    await Promise.all(probes)
    expect(duplex.written.at(-1)).toEqual({ cancel_request: { watch_id: '1' } })
    duplex.answer({ canceled: true, watch_id: '1' })
    expect([log, stream.size]).toEqual([['a created 1'], 1])
  })

  it('accepts any response as a sign of life, and a manual progress only as that', async () => {
    stream.add(target, receiver('a'))
    duplex.answer({ created: true, watch_id: '0' })
    const probe = stream.probe()
    duplex.answer({ watch_id: '-1', header: header('99') })
    await probe
    const refused = stream.probe()
    duplex.answer({ created: true, canceled: true, watch_id: '-1', cancel_reason: 'no right' })
    await refused
    expect(log).toEqual(['a created 1'])
  })

  it('waits for the answer to a pending creation instead of sending another request', async () => {
    stream.add(target, receiver('a'))
    const probe = stream.probe()
    expect(duplex.written).toHaveLength(1)
    duplex.answer({ created: true, watch_id: '0' })
    await probe
  })

  it('fails every watch and every probe once when it breaks', async () => {
    stream.add(target, receiver('a'))
    stream.add(target, receiver('b'))
    duplex.answer({ created: true, watch_id: '0' })
    const probe = stream.probe()
    duplex.emit('error', new Error('14 UNAVAILABLE: gone'))
    duplex.emit('error', new Error('again'))
    duplex.emit('end')
    await expect(probe).rejects.toMatchObject({ code: 'unavailable' })
    await expect(stream.probe()).rejects.toMatchObject({ code: 'unavailable' })
    stream.add(target, receiver('c'))
    expect(log).toEqual([
      'a created 1',
      'broken',
      'b unavailable',
      'a unavailable',
      'c unavailable',
    ])
    expect(duplex.cancelled).toBe(1)
  })

  it('fails without throwing on a malformed response', () => {
    stream.add(target, receiver('a'))
    duplex.answer({ created: true, watch_id: '0' })
    duplex.answer({ created: true, watch_id: '1' })
    expect(log).toEqual(['a created 1', 'broken', 'a unavailable'])
  })
})
