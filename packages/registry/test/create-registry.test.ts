import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { createDriverContext, jsonFormat, type RegistryDriver } from '@sd/core/driver'
import type { ConsulConfig, ConsulFormatName } from '@sd/consul'
import type { EtcdConfig, EtcdFormatName } from '@sd/etcd'
import { memory, MemoryStore } from '@sd/memory'
import type { ZooKeeperConfig, ZooKeeperFormatName } from '@sd/zookeeper'
import { afterEach, describe, expect, expectTypeOf, test, vi } from 'vitest'
import { backendNames } from '../src/backends.ts'
import {
  type ConsulRegistryConfig,
  createRegistry,
  type EtcdRegistryConfig,
  type MemoryRegistryConfig,
  parseRegistryUrl,
  Registry,
  type RegistryConfig,
  RegistryError,
  type RegistryOptions,
  type RegistrySource,
  type ZooKeeperRegistryConfig,
} from '../src/index.ts'

const known = backendNames.join(', ')

/** A driver factory with a store of its own. */
const ownMemory = () => memory({ store: new MemoryStore() })

/** `createRegistry` as a program without types calls it. */
const createLoosely = createRegistry as (source?: unknown) => Promise<Registry>

const refusal = async (source: unknown): Promise<RegistryError> => {
  const outcome: unknown = await createLoosely(source).catch((error: unknown) => error)
  if (outcome instanceof Registry) await outcome.close()
  expect(outcome).toBeInstanceOf(RegistryError)
  expect(outcome).toMatchObject({ code: 'invalid-config', retryable: false })
  return outcome as RegistryError
}

afterEach(() => vi.unstubAllEnvs())

describe('createRegistry makes a registry', () => {
  test.each<[string, RegistrySource, string]>([
    [
      'from a configuration',
      { backend: 'memory', ttlMs: 5_000, store: new MemoryStore() },
      'memory',
    ],
    ['from a URL', 'memory:front-door?ttl=5s', 'memory'],
    ['from a file URL, without the file', 'sqlite:///nowhere/sd.db', 'sqlite'],
    ['from an etcd URL, without a server', 'etcd://127.0.0.1:1/services', 'etcd'],
    ['from an etcd URL with a format', 'etcd://127.0.0.1:1/micro?format=kratos', 'etcd'],
    [
      'with a format of its own',
      { backend: 'memory', store: new MemoryStore(), format: { ...jsonFormat } },
      'memory',
    ],
    ['from a ZooKeeper URL, without a server', 'zookeeper://127.0.0.1:1/services', 'zookeeper'],
    ['from a Consul URL, without a server', 'consul://127.0.0.1:1/services', 'consul'],
    ['from a driver factory', ownMemory(), 'memory'],
    ['from a factory with options', { backend: ownMemory(), ttlMs: 5_000 }, 'memory'],
    ['from a driver', ownMemory()(createDriverContext()), 'memory'],
    [
      'from a driver with options',
      { backend: ownMemory()(createDriverContext()), ttlMs: 1 },
      'memory',
    ],
  ])('%s', async (_, source, backend) => {
    const registry = await createRegistry(source)
    expect(registry.backend).toBe(backend)
    await registry.close()
  })

  test('with the given options and backend fields', async () => {
    const store = new MemoryStore()
    const writer = await createRegistry({ backend: 'memory', store, namespace: 'blue' })
    const reader = await createRegistry({ backend: memory({ store, namespace: 'blue' }) })
    const stranger = await createRegistry({ backend: 'memory', store, namespace: undefined })
    await writer.register({ service: 'orders', id: '1', endpoints: ['http://10.0.0.7:80'] })
    expect(await reader.list('orders')).toMatchObject([{ id: '1' }])
    expect(await stranger.list('orders')).toEqual([])
    await Promise.all([writer.close(), reader.close(), stranger.close()])
  })

  test('from SD_URL, else from the embedded default', async () => {
    vi.stubEnv('SD_URL', 'etcd://127.0.0.1:1')
    const named = await createRegistry()
    vi.stubEnv('SD_URL', undefined)
    const fallback = await createRegistry()
    expect([named.backend, fallback.backend]).toEqual(['etcd', 'sqlite'])
    await Promise.all([named.close(), fallback.close()])
  })

  test('from a URL in an object, whose other fields take precedence', async () => {
    const registry = await createRegistry({ url: 'memory:url-in-object?ttl=5s', ttlMs: 7_000 })
    const registration = await registry.register({
      service: 'orders',
      endpoints: ['http://10.0.0.7:80'],
    })
    expect(registry.health().session.grantedTtlMs).toBe(7_000)
    await registration.deregister()
    await registry.close()
  })

  test('from SD_URL and a logger', async () => {
    vi.stubEnv('SD_URL', 'memory:from-sd-url')
    const logger = { debug() {}, info() {}, warn() {}, error() {} }
    const registry = await createRegistry({ logger })
    expect(registry.backend).toBe('memory')
    await registry.close()
  })

  test('unless its signal aborts', async () => {
    const reason = new Error('shutting down')
    await expect(
      createRegistry('memory:aborted', { signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason)
    const controller = new AbortController()
    const pending = createRegistry('etcd://127.0.0.1:1', { signal: controller.signal })
    controller.abort(reason)
    await expect(pending).rejects.toBe(reason)
  })

  test('only on a supported version of Node', async () => {
    const { versions } = process
    vi.stubGlobal('process', { ...process, versions: { ...versions, node: '20.20.2' } })
    try {
      expect((await refusal('memory:')).message).toContain(
        'this is Node 20.20.2; expected 22.19 or later',
      )
    } finally {
      vi.unstubAllGlobals()
    }
  })

  test('from a URL and fields that a URL cannot contain', async () => {
    const registry = await createRegistry({
      ...parseRegistryUrl('memory:url-and-fields?ttl=5s'),
      logger: { debug() {}, info() {}, warn() {}, error() {} },
    })
    expect(registry.backend).toBe('memory')
    await registry.close()
  })
})

describe('createRegistry refuses', () => {
  const etcd = { backend: 'etcd', endpoints: ['http://127.0.0.1:1'] }
  const driver = ownMemory()(createDriverContext())

  test.each<[string, unknown, string]>([
    ['null', null, 'the configuration is null; expected an object, a URL or a driver'],
    ['a list', [], 'the configuration is a list'],
    ['a number', 7, 'the configuration is 7'],
    ['an empty URL', '', 'it is empty'],
    [
      'a backend that is undefined',
      { backend: undefined },
      `backend is undefined; expected ${known} or a driver`,
    ],
    [
      'an unknown backend',
      { backend: 'Etcd3' },
      `backend is "Etcd3"; expected ${known} or a driver; did you mean "etcd"?`,
    ],
    ['a url that is undefined', { url: undefined }, 'url is undefined; expected a registry URL'],
    ['a url together with a backend', { backend: 'memory', url: 'memory:' }, 'unknown key "url"'],
    [
      "another backend's key with a url",
      { url: 'memory:', token: 's3cret' },
      'unknown key "token"',
    ],
    ['an inherited name as backend', { backend: 'toString' }, 'backend is "toString"'],
    ['a URL as backend', { backend: 'etcd://u:s3cret@h' }, 'backend is "etcd://<hidden>@h"'],
    [
      'an unknown key',
      { ...etcd, endpoint: [] },
      'unknown key "endpoint"; did you mean "endpoints"?',
    ],
    [
      'an unknown option',
      { backend: 'memory', ttl: 1 },
      'unknown key "ttl"; did you mean "ttlMs"?',
    ],
    ["another backend's key", { backend: 'memory', endpoints: [] }, 'unknown key "endpoints"'],
    [
      'an unknown key with a driver',
      { backend: driver, namespace: 'x' },
      'unknown key "namespace"',
    ],
    ['an option out of range', { backend: 'memory', ttlMs: -1 }, 'ttlMs is -1; expected'],
    ['an option out of range in a URL', 'memory:?ttl=0s', 'ttlMs is 0; expected'],
    ['an unknown inner key', { backend: 'memory', backoff: { min: 1 } }, 'min'],
    ['a field that the backend refuses', { backend: 'memory', store: '' }, 'store is ""; expected'],
    [
      'a field that sqlite refuses',
      { backend: 'sqlite', path: ':memory:' },
      'path is ":memory:"; expected',
    ],
    [
      'a heartbeat in a worker where no other thread can renew',
      'memory:?heartbeat=worker',
      'heartbeat is "worker"; expected loop: the sessions in memory live',
    ],
    ['a block without a worker', 'etcd://h?max-block=1m', 'maxBlockMs is given without'],
    ['TLS to a file', { backend: 'sqlite', tls: {} }, 'unknown key "tls"'],
    [
      'a format of another backend',
      'etcd://h?format=curator',
      'format is "curator"; backend "etcd" carries json, kratos, go-zero, etcd-naming, or a WireFormat',
    ],
    ['a format that is inherited', 'memory:?format=toString', 'backend "memory" carries json, or'],
    ['a format that is neither', { ...etcd, format: 7 }, 'format is 7; backend "etcd" carries'],
    [
      'half a format',
      { ...etcd, format: { name: 'mine' } },
      'format is mine; expected a WireFormat',
    ],
    [
      'the name of a format for a driver',
      { backend: driver, format: 'kratos' },
      'format is kratos; expected a WireFormat',
    ],
    ['a field that etcd refuses', { backend: 'etcd' }, 'endpoints is undefined; expected'],
    ['a user without a password', 'etcd://user@h', 'username is given alone'],
    [
      'a missing file of ZooKeeper',
      'zookeeper://h?tls=true&ca=/nowhere/ca.pem',
      'tlsFiles.ca is "/nowhere/ca.pem", which cannot be read (ENOENT)',
    ],
    [
      'an unknown consistency of Consul',
      'consul://h?consistency=strong',
      'consistency is "strong"; expected default, consistent, stale',
    ],
    [
      'an object that is not a driver',
      { backend: { backend: 'mine', list() {} } },
      'backend is not a driver: it lacks capabilities, openSession, observe, probe',
    ],
    [
      'a factory whose result is not a driver',
      () => ({}),
      'what the driver factory returns is not a driver: it lacks backend, capabilities',
    ],
    [
      'a factory that returns undefined',
      { backend: () => undefined },
      'what the driver factory returns is undefined',
    ],
    [
      'tlsFiles that is not an object',
      { ...etcd, tlsFiles: 'ca.pem' },
      'tlsFiles is "ca.pem"; expected an object',
    ],
    [
      'an unknown tls file',
      { ...etcd, tlsFiles: { CA: 'x' } },
      'unknown key "tlsFiles.CA"; did you mean "ca"?',
    ],
    [
      'a tls file that is not a name',
      { ...etcd, tlsFiles: { ca: 1 } },
      'tlsFiles.ca is 1; expected',
    ],
    [
      'a tls part given twice',
      { ...etcd, tls: { ca: 'x' }, tlsFiles: { ca: 'x' } },
      'tlsFiles.ca and tls.ca are both given',
    ],
    [
      'a missing file',
      'etcd://h?tls=true&ca=/nowhere/ca.pem',
      'tlsFiles.ca is "/nowhere/ca.pem", which cannot be read (ENOENT)',
    ],
  ])('%s', async (_, source, message) => {
    const error = await refusal(source)
    expect(error.message).toContain(message)
    expect(inspect(error)).not.toContain('s3cret')
  })

  test('an empty SD_URL', async () => {
    vi.stubEnv('SD_URL', '')
    expect((await refusal(undefined)).message).toContain('SD_URL is empty')
  })

  test('TLS files that are not PEM, and never shows them', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sd-registry-'))
    try {
      const key = join(folder, 'key.pem')
      writeFileSync(key, 's3cret')
      const error = await refusal(`etcd://h?tls=true&key=${encodeURIComponent(key)}`)
      expect(error.message).toContain('tls.key holds no PEM block')
      expect(inspect(error)).not.toContain('s3cret')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('with messages that never contain a password', async () => {
    const secret = 's3cret'
    const bad = [
      { backend: 'etcd', endpoints: [`http://u:${secret}@h:1`] },
      { backend: 'etcd', endpoints: ['http://h:1'], password: secret },
      { backend: 'etcd', endpoints: ['http://h:1'], username: 'u', password: secret, tls: {} },
      `etcd://u:${secret}@h:0`,
    ]
    for (const source of bad) expect(inspect(await refusal(source))).not.toContain(secret)
  })
})

/** The fields of a configuration other than those of the backends. */
type OwnFields<Config> = {
  [Key in Exclude<keyof Config, keyof RegistryOptions | 'backend' | 'tlsFiles'>]: Config[Key]
}

test('the types of the optional backends are those of their packages', () => {
  expectTypeOf<OwnFields<EtcdRegistryConfig>>().toEqualTypeOf<OwnFields<EtcdConfig>>()
  expectTypeOf<OwnFields<ConsulRegistryConfig>>().toEqualTypeOf<OwnFields<ConsulConfig>>()
  expectTypeOf<OwnFields<ZooKeeperRegistryConfig>>().toEqualTypeOf<OwnFields<ZooKeeperConfig>>()
})

test('the names of formats are those of the packages', () => {
  type Names<Config extends { readonly format?: unknown }> = Extract<Config['format'], string>
  expectTypeOf<Names<EtcdRegistryConfig>>().toEqualTypeOf<EtcdFormatName>()
  expectTypeOf<Names<ZooKeeperRegistryConfig>>().toEqualTypeOf<ZooKeeperFormatName>()
  expectTypeOf<Names<ConsulRegistryConfig>>().toEqualTypeOf<ConsulFormatName>()
})

test('the types distinguish the backends', () => {
  expectTypeOf<RegistryConfig['backend']>().toEqualTypeOf<
    'memory' | 'sqlite' | 'etcd' | 'zookeeper' | 'consul'
  >()
  expectTypeOf<Extract<RegistryConfig, { backend: 'etcd' }>>().toEqualTypeOf<EtcdRegistryConfig>()
  expectTypeOf<EtcdRegistryConfig['endpoints']>().toEqualTypeOf<readonly string[]>()
  expectTypeOf<{ backend: 'etcd'; endpoints: string[] }>().toExtend<RegistryConfig>()
  expectTypeOf<{ backend: 'etcd' }>().not.toExtend<RegistryConfig>()
  expectTypeOf<{ backend: 'consul' }>().not.toExtend<RegistrySource>()
  expectTypeOf<RegistryDriver>().toExtend<RegistrySource>()
  expectTypeOf<MemoryRegistryConfig>().not.toHaveProperty('endpoints')
  expectTypeOf<{ url: string; password: string }>().toExtend<RegistrySource>()
  // @ts-expect-error a misspelt key
  void ({ backend: 'memory', names: 'x' } satisfies RegistryConfig)
})
