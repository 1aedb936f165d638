import type { RegistryError } from '@sd/core/driver'
import { expect, it } from 'vitest'
import type { WatchResponse } from '../../src/client/codec/messages.ts'
import type { StreamEvents } from '../../src/client/etcd-client.ts'
import type { EtcdConnection } from '../../src/client/etcd-connection.ts'
import { EtcdCredentials } from '../../src/client/etcd-credentials.ts'
import { WatchStreams } from '../../src/client/watch-streams.ts'

const range = { key: Buffer.from('a'), range_end: Buffer.from('b') }

it('a probe that is given up ends no watch that the server has not created yet', async () => {
  const sent: unknown[] = []
  let events: StreamEvents<WatchResponse, RegistryError> | undefined
  const client = {}
  const suspected: unknown[] = []
  const connection = {
    client: () => client,
    silence: () => () => true,
    suspect: (left: unknown) => void suspected.push(left),
    open: async (_: string, __: unknown, attach: (opened: unknown) => typeof events) => {
      const stream = { send: (request: unknown) => sent.push(request), cancel: () => {} }
      return (events = attach({ stream, client, token: '' }))
    },
  } as unknown as EtcdConnection
  const streams = new WatchStreams(connection, new EtcdCredentials({ endpoints: [] }))
  const watching = streams.watch(range, new AbortController().signal)
  await expect.poll(() => sent.length, { timeout: 10_000 }).toBe(1)
  // there is nothing to probe on this connection
  expect(await streams.probe(AbortSignal.timeout(10)).catch(() => 'given up')).toBe(false)
  events?.message({
    header: { cluster_id: '7', revision: '5' },
    watch_id: '0',
    created: true,
    canceled: false,
    compact_revision: '0',
    cancel_reason: '',
    fragment: false,
    events: [],
  })
  expect((await watching).attached.revision).toBe('5')
  expect(suspected).toEqual([])
  // from now on silence on the stream is the server's
  expect(await streams.probe(AbortSignal.timeout(10)).catch(() => 'given up')).toBe('given up')
  expect(suspected).toEqual([client])
})
