import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { type Cluster, type Server, TcpProxy } from '@sd/contract-tests/servers'
import { etcd, launch, provisionFor, until } from '../src/index.ts'
import { callEtcd, put, read } from './etcd-client.ts'

const controllable = (await provisionFor('etcd')).how !== 'endpoint'

describe.runIf(controllable)('an etcd server', () => {
  test('says its version and keeps its logs', async () => {
    await using cluster = await launch(etcd)
    const [server] = only(cluster)
    const response = await fetch(`http://${server.endpoints['client']}/version`)
    expect(await response.json()).toMatchObject({ etcdserver: server.version })
    expect(cluster.version).toBe(server.version)
    expect(await server.logs()).toContain('etcd')
  })

  test.each(['term', 'kill'] as const)('keeps data and ports over a restart (%s)', async (how) => {
    await using cluster = await launch(etcd)
    const [server] = only(cluster)
    const before = { ...server.endpoints }
    await put(server.endpoints['client'], 'key', 'kept')
    await server.stop(how)
    await until('its port refuses', () => refuses(server.endpoints['client']))
    await server.start()
    expect(server.endpoints).toEqual(before)
    expect(await read(server.endpoints['client'], 'key')).toBe('kept')
  })

  test('is empty after a wipe, on the same port', async () => {
    await using cluster = await launch(etcd)
    const [server] = only(cluster)
    await put(server.endpoints['client'], 'key', 'lost')
    await expect(server.wipe()).rejects.toThrow('stop it before')
    await server.stop()
    await server.wipe()
    await server.start()
    expect(await read(server.endpoints['client'], 'key')).toBeUndefined()
    const status = await callEtcd(server.endpoints['client'], 'maintenance/status', {})
    expect(status['header']).toMatchObject({ revision: '1' })
    // And what is written from now on lives as before.
    await put(server.endpoints['client'], 'key', 'new')
    await server.restart('kill')
    expect(await read(server.endpoints['client'], 'key')).toBe('new')
  })

  test('is silent while paused, and goes on', async () => {
    await using cluster = await launch(etcd)
    const [server] = only(cluster)
    await put(server.endpoints['client'], 'key', 'here')
    await server.pause()
    await expect(
      callEtcd(server.endpoints['client'], 'kv/range', { key: 'aw==' }, 300),
    ).rejects.toThrow(/abort/i)
    await server.resume()
    expect(await read(server.endpoints['client'], 'key')).toBe('here')
    await server.pause()
    await server.restart('kill') // resumes it first
    expect(await read(server.endpoints['client'], 'key')).toBe('here')
  })

  test('stops twice without complaint', async () => {
    await using cluster = await launch(etcd)
    const [server] = only(cluster)
    await server.stop()
    await server.stop('kill')
    await server.start()
    expect(await read(server.endpoints['client'], 'key')).toBeUndefined()
  })

  test('takes more arguments', async () => {
    await using cluster = await launch(etcd, { args: ['--max-request-bytes=2048'] })
    const [server] = only(cluster)
    await expect(put(server.endpoints['client'], 'key', 'x'.repeat(4096))).rejects.toThrow(
      'too large',
    )
  })

  test('is reached through a proxy that cuts and partitions', async () => {
    await using cluster = await launch(etcd)
    await using proxy = await TcpProxy.to(only(cluster)[0].endpoints['client'] ?? '')
    await put(proxy.endpoint, 'key', 'value')
    expect(await read(proxy.endpoint, 'key')).toBe('value')
    proxy.cutAfter(20)
    await expect(read(proxy.endpoint, 'key')).rejects.toThrow(/ECONNRESET|hang up|aborted/)
    expect(await read(proxy.endpoint, 'key')).toBe('value')
    proxy.partition(true)
    await expect(callEtcd(proxy.endpoint, 'kv/range', { key: 'aw==' }, 300)).rejects.toThrow(
      /abort/i,
    )
    proxy.partition(false)
    expect(await read(proxy.endpoint, 'key')).toBe('value')
  })
})

describe.runIf(controllable)('an etcd cluster of three', () => {
  const members = ['n1', 'n2', 'n3']

  test('survives a killed member, which catches up when it is back', async () => {
    await using cluster = await launch(etcd, { members })
    const [first, second, third] = cluster.servers as [Server, Server, Server]
    await put(first.endpoints['client'], 'key', 'one')
    await third.stop('kill')
    await until('two of three write', async () => {
      await put(first.endpoints['client'], 'key', 'two')
      return true
    })
    expect(await read(second.endpoints['client'], 'key')).toBe('two')
    await third.start()
    expect(await read(third.endpoints['client'], 'key')).toBe('two')
  })

  test('is wiped as a whole', async () => {
    await using cluster = await launch(etcd, { members })
    const endpoints = cluster.servers.map((server) => server.endpoints)
    await put(endpoints[0]?.['client'], 'key', 'lost')
    await cluster.stop()
    await cluster.wipe()
    await cluster.start()
    expect(cluster.servers.map((server) => server.endpoints)).toEqual(endpoints)
    for (const { client } of endpoints) expect(await read(client, 'key')).toBeUndefined()
    await cluster.stop('kill')
    await cluster.start()
  })
})

function only(cluster: Cluster): [Server] {
  expect(cluster.servers).toHaveLength(1)
  return cluster.servers as [Server]
}

function refuses(endpoint: string | undefined): Promise<boolean> {
  const [host = '', port] = (endpoint ?? '').split(':')
  return new Promise((resolve) => {
    const socket = connect(Number(port), host)
    socket.on('connect', () => (socket.destroy(), resolve(false)))
    socket.on('error', () => resolve(true))
  })
}
