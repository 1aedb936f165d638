import { codeOf } from '@sd/contract-tests/world'
import { TcpProxy } from '@sd/contract-tests/servers'
import { provisionFor, until } from '@sd/test-servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  maxReadsInBatch,
  type NodeEvent,
  type ReadOperation,
  type TreeEvent,
} from '../../src/client/zookeeper-client.ts'
import { bytes, hostOf, type Opened, open, soon } from './support.ts'
import { launchZooKeeper } from '../test-tls.ts'

const controllable = (await provisionFor('zookeeper')).how !== 'endpoint'

const shown = (event: TreeEvent): string =>
  event.type === 'lost' ? 'lost' : `${event.type} ${event.path}`

describe.runIf(controllable)('operations since ZooKeeper 3.6', () => {
  let cluster: Awaited<ReturnType<typeof launchZooKeeper>>
  let host: string
  let opened: Opened
  let other: Opened

  beforeAll(async () => {
    cluster = await launchZooKeeper()
    host = cluster.servers.map(hostOf)[0] ?? ''
    ;[opened, other] = await Promise.all([open([host]), open([host])])
  })
  afterAll(async () => {
    await opened?.[Symbol.asyncDispose]()
    await other?.[Symbol.asyncDispose]()
    await cluster?.[Symbol.asyncDispose]()
  })

  const create = (path: string, text = '') =>
    other.client.create(path, bytes(text), 'persistent', soon())

  test('ephemerals lists the nodes of its own session below a prefix', async () => {
    await create('/tied')
    await opened.client.create('/tied/own', bytes(''), 'ephemeral', soon())
    await opened.client.create('/elsewhere', bytes(''), 'ephemeral', soon())
    await other.client.create('/tied/others', bytes(''), 'ephemeral', soon())
    expect(await opened.client.ephemerals('/tied/', soon())).toEqual(['/tied/own'])
    expect(await other.client.ephemerals('/none/', soon())).toEqual([])
  })

  test('multiRead has an outcome for each read, in order', async () => {
    await create('/many', 'm')
    for (let index = 0; index < 100; index++) await create(`/many/${index}`, `${index}`)
    const { client } = opened
    const gets = (count: number): ReadOperation[] =>
      Array.from({ length: count }, (_, index) => ({ type: 'get', path: `/many/${index}` }))
    const outcomes = await client.multiRead(gets(maxReadsInBatch), soon())
    expect(outcomes).toHaveLength(maxReadsInBatch)
    for (const [index, outcome] of outcomes.entries())
      expect(outcome).toMatchObject({ type: 'get', data: Buffer.from(`${index}`) })
    const mixed = await client.multiRead(
      [
        { type: 'get', path: '/many/none' },
        { type: 'children', path: '/many' },
        { type: 'children', path: '/many/0' },
        { type: 'get', path: 'no-path' },
      ],
      soon(),
    )
    expect(mixed).toMatchObject([
      { type: 'refused', error: { code: 'NO_NODE', operation: 'get', path: '/many/none' } },
      { type: 'children' },
      { type: 'children', names: [] },
      { type: 'refused' },
    ])
    expect(mixed[1]?.type === 'children' && mixed[1].names).toHaveLength(100)
    expect(await client.multiRead([], soon())).toEqual([])
    expect(await codeOf(client.multiRead(gets(maxReadsInBatch + 1), soon()))).toBe('BAD_ARGUMENTS')
    expect(opened.states).toEqual([])
  })

  test('a thousand nodes are read with sixteen requests in a few packets', async () => {
    await create('/batch')
    const paths = Array.from({ length: 1_000 }, (_, index) => `/batch/${index}`)
    await Promise.all(paths.map((path) => create(path, 'x'.repeat(200))))
    await using proxy = await TcpProxy.to(host)
    await using a = await open([proxy.endpoint])
    const { fromClient } = proxy.bytes
    const batches: ReadOperation[][] = []
    for (let at = 0; at < paths.length; at += maxReadsInBatch)
      batches.push(
        paths.slice(at, at + maxReadsInBatch).map((path) => ({ type: 'get', path }) as const),
      )
    const found = await Promise.all(batches.map((reads) => a.client.multiRead(reads, soon())))
    expect(found.flat().filter(({ type }) => type === 'get')).toHaveLength(1_000)
    // one request of 20 bytes and one header for each node, besides its path
    expect(proxy.bytes.fromClient - fromClient).toBeLessThan(1_000 * 32)
  })

  test('a heartbeat overtakes batches that wait', async () => {
    await create('/waits', 'x'.repeat(1_000))
    const { client } = opened
    const reads = Array.from(
      { length: maxReadsInBatch },
      () => ({ type: 'get', path: '/waits' }) as const,
    )
    let read = 0
    const batches = Array.from({ length: 300 }, async () => {
      await client.multiRead(reads, soon(60_000))
      read++
    })
    await client.exists('/', soon())
    const before = read
    await Promise.all(batches)
    expect(before).toBeLessThan(40)
  })

  test('addWatch reports every change of the tree, before an answer that contains it', async () => {
    const told: string[] = []
    await opened.client.addWatch('/tree', (event) => told.push(shown(event)), soon())
    await create('/treetop')
    await create('/tree')
    await create('/tree/a')
    await other.client.set('/tree/a', bytes('1'), -1, soon())
    await other.client.set('/tree/a', bytes('2'), -1, soon())
    await create('/tree/a/b')
    await other.client.delete('/tree/a/b', -1, soon())
    await other.client.multi(
      [
        { type: 'delete', path: '/tree/a', version: -1 },
        { type: 'create', path: '/tree/a', data: bytes(''), kind: 'persistent' },
      ],
      soon(),
    )
    await opened.client.get('/tree', soon())
    expect(told).toEqual([
      'created /tree',
      'created /tree/a',
      'changed /tree/a',
      'changed /tree/a',
      'created /tree/a/b',
      'deleted /tree/a/b',
      'deleted /tree/a',
      'created /tree/a',
    ])
  })

  test('a one-shot watch below a watched tree fires as well, once', async () => {
    await create('/both')
    await create('/both/a')
    const told: string[] = []
    const { client } = opened
    await client.addWatch('/both', (event) => told.push(`tree ${shown(event)}`), soon())
    await client.get('/both/a', soon(), (event: NodeEvent) => told.push(`one-shot ${event}`))
    for (const text of ['1', '2']) await other.client.set('/both/a', bytes(text), -1, soon())
    await client.exists('/both', soon())
    expect(told).toEqual(['one-shot changed', 'tree changed /both/a', 'tree changed /both/a'])
  })

  test('removeWatches ends them on the server, and needs none to be there', async () => {
    await using proxy = await TcpProxy.to(host)
    await using a = await open([proxy.endpoint])
    const told: string[] = []
    await a.client.addWatch('/removed', (event) => told.push(shown(event)), soon())
    await a.client.exists('/removed', soon(), (event) => told.push(event))
    await a.client.removeWatches('/removed', soon())
    await a.client.removeWatches('/removed', soon())
    await a.client.exists('/', soon())
    const { fromServer } = proxy.bytes
    await create('/removed')
    for (let index = 0; index < 20; index++) await create(`/removed/${index}`)
    await a.client.exists('/none', soon())
    // the answer, and no event
    expect(proxy.bytes.fromServer - fromServer).toBeLessThan(100)
    expect(told).toEqual([])
  })

  test('300 changes in a tree of 2,000 nodes cost less than 0.1 MB', async () => {
    await create('/large')
    const paths = Array.from({ length: 2_000 }, (_, index) => `/large/instance-${index}`)
    await Promise.all(paths.map((path) => create(path, 'x'.repeat(300))))
    await using proxy = await TcpProxy.to(host)
    await using a = await open([proxy.endpoint])
    let told = 0
    await a.client.addWatch('/large', () => told++, soon())
    const { fromServer } = proxy.bytes
    for (let index = 0; index < 150; index++) await create(`/large/new-${index}`)
    for (let index = 0; index < 150; index++)
      await other.client.delete(`/large/new-${index}`, -1, soon())
    await until('all were reported', () => told === 300, 5_000)
    expect(proxy.bytes.fromServer - fromServer).toBeLessThan(100_000)
  })

  test('a watched tree is lost with its connection', async () => {
    await using a = await open([host])
    const told: string[] = []
    await a.client.addWatch('/lost', (event) => told.push(shown(event)), soon())
    a.client.reconnect()
    await until('connected again', () => a.client.state === 'connected', 5_000)
    await create('/lost')
    await a.client.exists('/lost', soon())
    expect(told).toEqual(['lost'])
  })
})
