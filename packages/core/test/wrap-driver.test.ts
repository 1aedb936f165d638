import { describe, expect, test } from 'vitest'
import {
  type DriverCall,
  type DriverSession,
  type Observation,
  type RegistryDriver,
  toRecordKey,
  wrapDriver,
} from '@sd/core/driver'

const { signal } = new AbortController()
const instance = {
  service: 'orders',
  id: 'a',
  endpoints: ['http://h:1'],
  weight: 100,
  health: 'passing',
  tags: [],
  metadata: {},
}
const record = { key: toRecordKey('orders/a'), instance }
const alive: Observation = { type: 'alive' }

/** A driver that records which of its methods were called. */
const recorder = (optional: boolean): { driver: RegistryDriver; called: string[] } => {
  const called: string[] = []
  const told = <T>(name: string, result: T): Promise<T> => {
    called.push(name)
    return Promise.resolve(result)
  }
  const session: DriverSession = {
    id: 's1',
    grantedTtlMs: 1_000,
    lost: new AbortController().signal,
    renew: () => told('renew', undefined),
    put: () => told('put', []),
    remove: () => told('remove', []),
    audit: () => told('audit', []),
    close: () => told('close', undefined),
    ...(optional
      ? {
          removeStrays: () => told('removeStrays', [record.key]),
          onPartLost: (listener: () => void) => {
            called.push('onPartLost')
            listener()
          },
          renewedMs: () => 7,
        }
      : {}),
  }
  const driver: RegistryDriver = {
    backend: 'inner',
    capabilities: {
      list: 'linearizable',
      atomicClaim: true,
      resume: true,
      deltas: true,
      tls: false,
      minTtlMs: 1,
      maxBatch: 8,
      maxRecordBytes: 1_000,
    },
    openSession: () => told('openSession', session),
    list: () => told('list', { records: [record], skipped: [] }),
    async *observe() {
      called.push('observe')
      yield alive
    },
    probe: () => told('probe', undefined),
    ...(optional
      ? {
          edit: () => told('edit', 'edited' as const),
          diagnose: () => told('diagnose', { serverVersion: '1', limits: [] }),
          servers: ['10.0.0.1:80'],
          carriers: [],
          lastSeen: () => 'it is silent',
        }
      : {}),
    [Symbol.asyncDispose]: () => told('dispose', undefined),
  }
  return { driver, called }
}

/** Calls every method once. */
const useAll = async (driver: RegistryDriver): Promise<void> => {
  const session = await driver.openSession({ ttlMs: 1_000 }, signal)
  await driver.list({ service: 'orders' }, signal)
  for await (const observation of driver.observe({ all: true }, undefined, signal))
    expect(observation).toBe(alive)
  await driver.probe(signal)
  await driver.edit?.(record, instance, signal)
  await driver.diagnose?.(signal)
  await session.renew(signal)
  await session.put([], signal)
  await session.remove([], signal)
  await session.audit([], signal)
  expect(await session.removeStrays?.(signal)).toEqual([record.key])
  await session.close(signal)
}

const everyCall: readonly DriverCall[] = [
  'openSession',
  'list',
  'probe',
  'edit',
  'diagnose',
  'renew',
  'put',
  'remove',
  'audit',
  'removeStrays',
  'close',
]

describe('wrapDriver', () => {
  test('forwards every method, also those of sessions', async () => {
    const { driver, called } = recorder(true)
    const wrapped = wrapDriver(driver, {})
    await useAll(wrapped)
    await wrapped[Symbol.asyncDispose]()
    expect(called.toSorted()).toEqual([...everyCall, 'observe', 'dispose'].toSorted())
    expect(wrapped.backend).toBe('inner')
    expect(wrapped.capabilities).toEqual(driver.capabilities)
    expect(wrapped.servers).toBe(driver.servers)
    expect(wrapped.carriers).toBe(driver.carriers)
    expect(wrapped.lastSeen?.()).toBe('it is silent')
    let lost = 0
    const session = await wrapped.openSession({ ttlMs: 1_000 }, signal)
    expect(session.renewedMs?.()).toBe(7)
    session.onPartLost?.(() => (lost += 1))
    expect(lost).toBe(1)
  })

  test('has what is optional only where the wrapped driver has it', async () => {
    const wrapped = wrapDriver(recorder(false).driver, {})
    for (const name of ['edit', 'diagnose', 'servers', 'carriers', 'lastSeen'])
      expect(wrapped).not.toHaveProperty(name)
    const session = await wrapped.openSession({ ttlMs: 1_000 }, signal)
    for (const name of ['removeStrays', 'onPartLost', 'renewedMs'])
      expect(session).not.toHaveProperty(name)
  })

  test('runs every call inside the hook, with the signal that the hook passes', async () => {
    const { driver } = recorder(true)
    const other = new AbortController().signal
    const names: string[] = []
    const signals = new Set<AbortSignal>()
    const spied = wrapDriver(driver, {
      call: (_name, under, next) => {
        signals.add(under)
        return next(under)
      },
    })
    const outer = wrapDriver(spied, {
      call: (name, _under, next) => {
        names.push(name)
        return next(other)
      },
    })
    await useAll(outer)
    expect(names.toSorted()).toEqual(everyCall.toSorted())
    expect([...signals]).toEqual([other])
  })

  test('runs observations inside their hook, and replaces the named properties', async () => {
    const { driver, called } = recorder(false)
    const wrapped = wrapDriver(driver, {
      backend: 'outer',
      capabilities: { maxBatch: 2 },
      observe: async function* (scope, under, next) {
        expect(scope).toEqual({ service: 'orders' })
        yield* next(under)
        throw new Error('cut')
      },
    })
    expect(wrapped.backend).toBe('outer')
    expect(wrapped.capabilities).toEqual({ ...driver.capabilities, maxBatch: 2 })
    const seen: Observation[] = []
    const reading = async (): Promise<void> => {
      for await (const one of wrapped.observe({ service: 'orders' }, undefined, signal))
        seen.push(one)
    }
    await expect(reading()).rejects.toThrow('cut')
    expect(seen).toEqual([alive])
    expect(called).toEqual(['observe'])
  })
})
