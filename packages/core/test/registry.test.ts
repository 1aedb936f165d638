import { hostname } from 'node:os'
import { describe, expect, test } from 'vitest'
import { Registry, RegistryError } from '@sd/core'
import { type DriverContext, jsonFormat, kratosFormat } from '@sd/core/driver'
import { ManualClock } from './manual-clock.ts'
import {
  createTestBed,
  instance,
  outcomeOf,
  type TestBed,
} from './registration/supervisor-test-bed.ts'
import { failure, ScriptedBackend } from './scripted-backend.ts'

const steady = (): TestBed =>
  createTestBed({ random: { next: () => 0.5, id: (length) => 'x'.repeat(length) } })

const refusal = async (call: Promise<unknown>): Promise<string> => {
  try {
    await call
  } catch (error) {
    return error instanceof RegistryError ? `${error.backend} ${error.message}` : String(error)
  }
  return 'resolved'
}

describe('a registry', () => {
  test('refuses a ttl that the backend cannot grant', () => {
    const driver = new ScriptedBackend(new ManualClock()).driver()
    const bounded = (ttlMs: number): Registry =>
      new Registry(
        { ...driver, capabilities: { ...driver.capabilities, minTtlMs: 500, maxTtlMs: 900 } },
        { ttlMs },
      )
    for (const ttlMs of [499, 901])
      expect(() => bounded(ttlMs)).toThrow(
        `[invalid-config] configure: ttlMs is ${ttlMs}; expected 500 to 900 on this backend`,
      )
    for (const ttlMs of [500, 900]) expect(bounded(ttlMs).backend).toBe('scripted')
  })

  test('refuses a format whose documents the backend cannot carry, or that cannot express the instance', async () => {
    const driver = new ScriptedBackend(new ManualClock()).driver()
    const carried = { ...jsonFormat, carrier: 'fields' as never }
    expect(() => new Registry(driver, { ttlMs: 1_000, format: carried })).toThrow(
      '[invalid-config] configure: format "json" needs a backend that stores documents as "fields"; this one stores them as "value"',
    )
    const registry = new Registry(driver, { ttlMs: 1_000, format: kratosFormat })
    expect(await refusal(registry.register(instance('a/b', '1')))).toMatch(
      /^scripted \[unsupported\] register a\/b: format "kratos" cannot express the instance: its service is "a\/b"/,
    )
  })

  test('warns of an instance that other machines cannot reach', async () => {
    const clock = new ManualClock()
    const driver = new ScriptedBackend(clock).driver()
    const events: unknown[] = []
    const note = (details: object): void => void events.push((details as { event: string }).event)
    const registry = new Registry(
      { ...driver, servers: ['http://10.0.0.9:2379'] },
      { clock, ttlMs: 1_000, logger: { debug: () => {}, info: () => {}, warn: note, error: note } },
    )
    void registry.register({ service: 'a', id: '1', endpoints: ['http://127.0.0.1:80'] })
    await clock.advance(1)
    expect(events).toEqual(['loopback-endpoint'])
  })

  test('rejects a registration of nothing as any other bad argument', async () => {
    const { registry } = steady()
    const nothing = undefined as unknown as Parameters<typeof registry.register>[0]
    expect(await refusal(registry.register(nothing))).toContain('[invalid-argument] register')
  })

  test('gives a driver its clock, randomness and format, and publishes what it reports', async () => {
    const lines: object[] = []
    const note = (details: object, message: string): void =>
      void lines.push({ ...details, message })
    const clock = new ManualClock()
    const logger = { debug: note, info: note, warn: note, error: note }
    let given: DriverContext | undefined
    const registry = new Registry(
      (context) => {
        context.report({ level: 'warn', event: 'too-early', message: 'nobody hears it' })
        given = context
        return new ScriptedBackend(clock).driver()
      },
      { clock, logger, ttlMs: 1_000 },
    )
    expect(given?.clock).toBe(clock)
    expect(given?.format.name).toBe('json')
    given?.report({ level: 'info', event: 'moved', message: 'to b', details: { to: 'b' } })
    await clock.advance(0)
    expect(lines).toEqual([{ backend: 'scripted', event: 'moved', to: 'b', message: 'to b' }])
    expect(registry.capabilities).toMatchObject({ resume: true, minTtlMs: 1 })
  })

  test('closes once, and disposes of its driver', async () => {
    const clock = new ManualClock()
    let disposed = 0
    const driver = {
      ...new ScriptedBackend(clock).driver(),
      [Symbol.asyncDispose]: async () => {
        disposed += 1
      },
    }
    const registry = new Registry(driver, { clock, ttlMs: 1_000 })
    expect(registry.close()).toBe(registry.close())
    await registry[Symbol.asyncDispose]()
    expect(disposed).toBe(1)
    expect(clock.pending).toBe(0)
    expect(registry.health()).toMatchObject({ ok: false, session: { state: 'closed' } })
  })
})

describe('register', () => {
  test('refuses unknown rules before any I/O', async () => {
    const { backend, registry } = steady()
    const register = (options: object): Promise<string> =>
      refusal(registry.register(instance('a', '1'), options))
    expect(await register({ onConflict: 'win' })).toBe(
      'scripted [invalid-argument] register: onConflict is "win"; expected takeover or reject or yield',
    )
    expect(await register({ waitFor: 'ever' })).toBe(
      'scripted [invalid-argument] register: waitFor is "ever"; expected registered or accepted',
    )
    expect(await refusal(registry.register({ ...instance('a', '1'), weight: -1 }))).toContain(
      '[invalid-argument] register a: weight',
    )
    expect(await register({ signal: AbortSignal.abort('no') })).toBe('no')
    expect(backend.calls).toEqual([])
    expect(registry.health().registrations).toEqual([])
  })

  test('makes an id of the host, the process and a random suffix', async () => {
    const { clock, registry } = steady()
    const registering = registry.register({ service: 'a', endpoints: ['http://h:1'] })
    await clock.advance(1)
    const registration = await registering
    expect(registration.id).toBe(`${hostname()}-${process.pid}-xxxxxxxx`)
    expect(registration.service).toBe('a')
  })

  test('refuses a record that is too large, also by an update', async () => {
    const clock = new ManualClock()
    const backend = new ScriptedBackend(clock)
    const driver = backend.driver()
    const registry = new Registry(
      { ...driver, capabilities: { ...driver.capabilities, maxRecordBytes: 400 } },
      { clock, ttlMs: 1_000 },
    )
    const large = { tags: ['t'.repeat(300)] }
    const said =
      /^scripted \[invalid-argument\] (register|update) a: the record is \d{3} bytes; expected at most 400/
    expect(await refusal(registry.register({ ...instance('a', '1'), ...large }))).toMatch(said)
    expect(backend.calls).toEqual([])
    const registering = registry.register(instance('a', '1'))
    await clock.advance(1)
    const registration = await registering
    expect(await refusal(registration.update(large))).toMatch(said)
    expect(registration.instance.tags).toEqual([])
    expect(backend.count('put')).toBe(1)
  })

  test('that is aborted rejects with the reason, and takes the registration back', async () => {
    const { clock, backend, registry } = steady()
    backend.before = ({ operation }) => {
      if (operation === 'put') throw failure('unavailable', operation)
    }
    const aborter = new AbortController()
    const registering = refusal(registry.register(instance('a', '1'), { signal: aborter.signal }))
    await clock.advance(10)
    aborter.abort('enough')
    expect(await registering).toBe('enough')
    backend.before = () => {}
    await clock.advance(5_000)
    expect(backend.records.size).toBe(0)
    expect(registry.health()).toMatchObject({ registrations: [], pendingRemovals: 0 })
  })

  test('gives a registration whose statuses can be followed to the end', async () => {
    const { clock, registry } = steady()
    const registration = await registry.register(instance('a', '1'), { waitFor: 'accepted' })
    expect(registration.status).toEqual({ state: 'registering', since: new Date(1_000_000) })
    const states: string[] = []
    const follow = async (): Promise<void> => {
      for await (const { state } of registration.statuses()) states.push(state)
    }
    const following = outcomeOf(follow())
    await clock.advance(1)
    const failing = registration.setHealth('failing')
    await clock.advance(1)
    await failing
    expect(registration.instance.health).toBe('failing')
    const gone = registration.deregister()
    await clock.advance(1)
    await gone
    expect(states).toEqual(['registering', 'registered', 'closed'])
    expect(following.ending).toBe('resolved')
  })
})
