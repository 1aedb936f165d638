import { TcpProxy } from '@sd/contract-tests/servers'
import { provisionFor, until } from '@sd/test-servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { NodeEvent } from '../../src/client/zookeeper-client.ts'
import { bytes, hostOf, inOrder, open, soon } from './support.ts'
import { launchZooKeeper } from '../test-tls.ts'

const controllable = (await provisionFor('zookeeper')).how !== 'endpoint'

describe.runIf(controllable)('watches', () => {
  let cluster: Awaited<ReturnType<typeof launchZooKeeper>>
  let host: string

  beforeAll(async () => {
    cluster = await launchZooKeeper()
    host = cluster.servers.map(hostOf)[0] ?? ''
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  test('each is called once, with the event of the node', async () => {
    await using a = await open([host])
    await using b = await open([host])
    const told: string[] = []
    const listen = (what: string) => (event: NodeEvent) => void told.push(`${what} ${event}`)
    await a.client.exists('/w', soon(), listen('exists'))
    await b.client.create('/w', bytes('x'), 'persistent', soon())
    await a.client.get('/w', soon(), listen('get'))
    await a.client.children('/w', soon(), listen('children'))
    await b.client.set('/w', bytes('y'), -1, soon())
    await b.client.set('/w', bytes('z'), -1, soon())
    await b.client.create('/w/c', bytes('x'), 'persistent', soon())
    await b.client.delete('/w/c', -1, soon())
    await until('three events', () => told.length === 3, 5_000)
    const both = listen('both')
    await a.client.exists('/w', soon(), both)
    await a.client.children('/w', soon(), both)
    await a.client.get('/w', soon(), listen('get'))
    await b.client.delete('/w', -1, soon())
    await until('two more', () => told.length === 5, 5_000)
    expect(told).toEqual([
      'exists created',
      'get changed',
      'children children',
      'both deleted',
      'get deleted',
    ])
  })

  test('an event arrives before an answer that contains its change', async () => {
    await using a = await open([host])
    await using b = await open([host])
    await a.client.create('/order', bytes(''), 'persistent', soon())
    for (let round = 0; round < 50; round++) {
      let told = false
      await a.client.children('/order', soon(), () => (told = true))
      const create = b.client.create(`/order/${round}`, bytes(''), 'persistent', soon())
      for (;;) {
        const { names } = await a.client.children('/order', soon())
        if (names.length === round + 1) break
      }
      expect(told).toBe(true)
      await create
    }
  })

  test('a listener that throws is reported, and the others are called', async () => {
    const context = inOrder()
    await using a = await open([host], { context })
    const told: NodeEvent[] = []
    a.client.onState(() => {
      throw new Error('from a state listener')
    })
    await a.client.create('/throws', bytes(''), 'persistent', soon())
    const fail = (): void => {
      throw new Error('from a watch')
    }
    await a.client.get('/throws', soon(), fail)
    await a.client.get('/throws', soon(), (event) => told.push(event))
    await a.client.set('/throws', bytes('x'), -1, soon())
    await a.client.exists('/throws', soon(), fail)
    await a.client.exists('/throws', soon(), (event) => told.push(event))
    a.client.reconnect()
    await until('connected again', () => a.client.state === 'connected', 5_000)
    expect(told).toEqual(['changed', 'lost'])
    expect(context.reported.map(({ message }) => message)).toEqual([
      'a listener threw: from a watch',
      'a listener threw: from a state listener',
      'a listener threw: from a watch',
      'a listener threw: from a state listener',
    ])
  })

  test('an aborted call leaves no watch', async () => {
    await using proxy = await TcpProxy.to(host)
    await using a = await open([proxy.endpoint])
    const told: NodeEvent[] = []
    await a.client.create('/aborted', bytes(''), 'persistent', soon())
    proxy.latency(50)
    const abort = new AbortController()
    const call = a.client.get('/aborted', abort.signal, (event) => told.push(event))
    abort.abort(new Error('enough'))
    await expect(call).rejects.toThrow('enough')
    await a.client.set('/aborted', bytes('x'), -1, soon())
    await a.client.exists('/', soon())
    expect(told).toEqual([])
  })

  // to set them again would take packets that a server refuses, repeatedly
  test('more than 20,000 are lost with their connection, and the client reconnects at once', async () => {
    await using proxy = await TcpProxy.to(host)
    // the calls below keep this process busy for seconds on a loaded machine
    await using a = await open([proxy.endpoint], { sessionTimeoutMs: 10_000 })
    const count = 21_000
    const path = (index: number) => `/absent-${'x'.repeat(60)}-${index}`
    let lost = 0
    await Promise.all(
      Array.from({ length: count }, (_, index) =>
        a.client.exists(path(index), soon(60_000), (event) => {
          if (event === 'lost') lost++
        }),
      ),
    )
    const { fromClient } = proxy.bytes
    proxy.reset()
    await until('connected again', () => lost === count && a.client.state === 'connected', 5_000)
    expect(a.states).toEqual(['disconnected', 'connected'])
    await a.client.exists('/', soon())
    // handshakes and a read: no watch was sent again
    expect(proxy.bytes.fromClient - fromClient).toBeLessThan(10_000)
    await a.client.create(path(0), bytes(''), 'ephemeral', soon())
    expect(lost).toBe(count)
  })
})
