import { once } from 'node:events'
import { Writable } from 'node:stream'
import { createRegistry } from '@sd/registry'
import { wrapDriver } from '@sd/core/driver'
import { memory, MemoryStore } from '@sd/memory'
import { MemoryFaults } from '@sd/memory/faults'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

let written: string[]
beforeEach(() => {
  written = []
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written.push(String(text))
    return true
  })
})
afterEach(() => vi.restoreAllMocks())

const silent = { debug() {}, info() {}, warn() {}, error() {} }
/** An address without a listener: the port is reserved. */
const url = 'consul://127.0.0.1:1?call-timeout=200ms&close-timeout=200ms'

const until = (condition: () => boolean): Promise<boolean> => vi.waitUntil(condition, 5_000)

test('a registry that is down is reported on stderr, once, with its address and the reason', async () => {
  const registry = await createRegistry(url)
  const watcher = registry.watch('orders')
  expect(await watcher.next()).toMatchObject({ type: 'stale' })
  await registry.list('orders').catch(() => {})
  await until(() => written.length > 0)
  await registry.close()
  expect(written).toHaveLength(1)
  expect(written[0]).toMatch(
    /^sd: cannot reach consul at http:\/\/127\.0\.0\.1:1, retrying; .*ECONNREFUSED.*\n$/,
  )
})

test.each([
  ['a logger', silent],
  ['logger: false', false],
] as const)('%s turns the notice off', async (_, logger) => {
  const registry = await createRegistry({ url, logger })
  await registry.ping().catch(() => {})
  await registry.close()
  expect(written).toEqual([])
})

test('a loopback address on a registry of other machines is reported once', async () => {
  const register = async (server: string | undefined, endpoint: string): Promise<void> => {
    const registry = await createRegistry((context) => ({
      ...wrapDriver(memory({ store: new MemoryStore() })(context), {}),
      ...(server === undefined ? {} : { servers: [server] }),
    }))
    for (const id of ['a', 'b'])
      await registry.register({ service: 's', id, endpoints: [endpoint] })
    await registry.close()
  }
  await register('http://10.0.0.1:2379', 'http://10.0.0.7:80')
  for (const server of ['http://127.0.0.1:2379', 'localhost:2181', 'unix:///run/consul.sock'])
    await register(server, 'http://localhost:80')
  await register(undefined, 'http://127.0.0.1:80')
  expect(written).toEqual([])
  for (const host of ['localhost', '127.0.0.1', '[::1]'])
    await register('zk1:2181', `http://${host}:80`)
  expect(written).toHaveLength(3)
  expect(written[0]).toContain(
    's/a is registered on memory with http://localhost:80, which other machines cannot reach',
  )
})

test('pino logs why the registry is down: message, code and the chain of causes', async () => {
  const lines: string[] = []
  const stream = new Writable({
    write: (chunk, _, done) => {
      lines.push(String(chunk))
      done()
    },
  })
  const registry = await createRegistry({ url, logger: pino({ level: 'warn' }, stream) })
  await registry.ping().catch(() => {})
  await registry.close()
  stream.end()
  await once(stream, 'finish')
  const line = lines.find((text) => text.includes('outage-began')) ?? '{}'
  expect(JSON.parse(line)).toMatchObject({
    backend: 'consul',
    err: {
      type: 'RegistryError',
      code: 'unavailable',
      message: expect.stringContaining('ECONNREFUSED'),
      stack: expect.stringContaining('caused by'),
    },
  })
})

test('health as JSON names the reason', async () => {
  const store = new MemoryStore()
  const registry = await createRegistry({
    backend: 'memory',
    store,
    logger: false,
    callTimeoutMs: 200,
  })
  new MemoryFaults(store).stop()
  await registry.ping().catch(() => {})
  const health = JSON.parse(JSON.stringify(registry.health())) as object
  expect(health).toMatchObject({
    ok: false,
    state: 'unreachable',
    cause: { code: 'unavailable', message: expect.stringContaining('stopped') },
  })
  await registry.close()
})
