import { EventEmitter } from 'node:events'
import type { IWatchResponse } from 'etcd3'
import { expect, it } from 'vitest'
import type { EtcdConnection } from '../src/client/etcd-connection.ts'
import { EtcdCredentials } from '../src/client/etcd-credentials.ts'
import { WatchStreams } from '../src/client/watch-streams.ts'
import { etcdError } from '../src/errors.ts'

class SilentDuplex extends EventEmitter {
  readonly written: unknown[] = []
  write(request: unknown): void {
    this.written.push(request)
  }
  end(): void {}
  cancel(): void {}
}

const range = { key: Buffer.from('a'), range_end: Buffer.from('b') }

it('a probe that is given up ends no watch that the server has not created yet', async () => {
  const duplex = new SilentDuplex()
  const client = { heard: () => {} }
  const suspected: unknown[] = []
  const connection = {
    client: () => client,
    silence: () => () => true,
    suspect: (left: unknown) => void suspected.push(left),
    open: async () => ({
      stream: duplex,
      client,
      token: '',
      failed: (cause: unknown) => etcdError('unavailable', 'watch', String(cause)),
    }),
  } as unknown as EtcdConnection
  const streams = new WatchStreams(connection, new EtcdCredentials({ endpoints: [] }))
  const watching = streams.watch(range, new AbortController().signal)
  await expect.poll(() => duplex.written.length).toBe(1)
  // there is nothing to probe on this connection
  expect(await streams.probe(AbortSignal.timeout(10)).catch(() => 'given up')).toBe(false)
  duplex.emit('data', {
    header: { cluster_id: '7', member_id: '8', revision: '5', raft_term: '1' },
    watch_id: '0',
    created: true,
    canceled: false,
    compact_revision: '0',
    cancel_reason: '',
    fragment: false,
    events: [],
  } satisfies IWatchResponse)
  expect((await watching).attached.revision).toBe('5')
  expect(suspected).toEqual([])
  // from now on silence on the stream is the server's
  expect(await streams.probe(AbortSignal.timeout(10)).catch(() => 'given up')).toBe('given up')
  expect(suspected).toEqual([client])
})
