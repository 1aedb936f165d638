import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type DiagnosticEvent, diagnosticChannels, Registry, type RegistryOptions } from '@sd/core'
import { memory, MemoryStore } from '@sd/memory'
import { MemoryFaults } from '@sd/memory/faults'
import { afterEach, describe, expect, test } from 'vitest'

const heard: { channel: string; event: string; message: DiagnosticEvent }[] = []
const listen = (message: unknown, channel: string | symbol): void => {
  const event = message as DiagnosticEvent
  heard.push({ channel: String(channel), event: event.event, message: event })
}
const names = Object.values(diagnosticChannels)
const eventsOn = (channel: string): readonly string[] =>
  heard.filter((line) => line.channel === channel).map(({ event }) => event)

const until = async (condition: () => boolean): Promise<void> => {
  const endMs = performance.now() + 5_000
  while (!condition()) {
    if (performance.now() > endMs)
      throw new Error(`not published in time; published: ${JSON.stringify(heard)}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const open = (options: RegistryOptions = {}) => {
  const store = new MemoryStore()
  const registry = new Registry(memory({ store }), {
    ttlMs: 300,
    backoff: { minMs: 10, maxMs: 50 },
    ...options,
  })
  return { registry, faults: new MemoryFaults(store) }
}

afterEach(() => {
  heard.length = 0
  for (const name of names) unsubscribe(name, listen)
})

describe('diagnostics', () => {
  test('every transition is published on its channel, with its cause', async () => {
    for (const name of names) subscribe(name, listen)
    const { registry, faults } = open()
    const registration = await registry.register({ service: 's', endpoints: ['http://h:1'] })
    const watcher = registry.watch('s')
    await watcher.next()
    faults.writeRaw('s', 'bad', Buffer.from('{nonsense'))
    await until(() => eventsOn('sd:record').includes('record-skipped'))
    faults.stop()
    faults.wipe()
    await until(() => registration.status.state === 'recovering')
    await until(() => watcher.stale !== undefined)
    faults.start()
    await until(() => registration.status.state === 'registered' && registry.health().ok)
    await registry.close()
    expect(eventsOn('sd:session')).toEqual(
      expect.arrayContaining(['session-opening', 'session-live', 'session-closed']),
    )
    const states = eventsOn('sd:registration').filter((event) => event !== 'registration-retry')
    expect(states).toEqual([
      'registration-registered',
      'registration-recovering',
      'registration-registered',
      'registration-closed',
    ])
    expect(eventsOn('sd:watch')).toEqual(expect.arrayContaining(['watch-live', 'watch-stale']))
    const recovering = heard.find(({ event }) => event === 'registration-recovering')?.message
    expect(recovering).toMatchObject({ backend: 'memory', service: 's' })
    expect(recovering?.cause?.code).toMatch(/session-lost|unavailable/)
  })

  test('a logger is called with its own signature, and one that throws has no effect', async () => {
    const lines: [object, string][] = []
    const log = (details: object, message: string): void => {
      lines.push([details, message])
      throw new Error('the disk is full')
    }
    const { registry } = open({ logger: { debug: log, info: log, warn: log, error: log } })
    await registry.register({ service: 's', id: 'a', endpoints: ['http://h:1'] })
    await registry.close()
    expect(lines).toContainEqual([
      expect.objectContaining({ backend: 'memory', event: 'registration-registered', id: 'a' }),
      's/a is registered',
    ])
  })

  test('health shows pending registrations, stale watches and past errors', async () => {
    const { registry, faults } = open()
    expect(registry.health()).toMatchObject({
      backend: 'memory',
      ok: false,
      state: 'unknown',
      session: { state: 'idle' },
    })
    await registry.ping()
    expect(registry.health()).toMatchObject({ ok: true, state: 'ok' })
    faults.stop()
    const pending = await registry.register(
      { service: 's', id: 'a', endpoints: ['http://h:1'] },
      { waitFor: 'accepted' },
    )
    const watcher = registry.watch('s')
    await until(() => registry.health().lastErrors.length > 0 && watcher.stale !== undefined)
    const down = registry.health()
    expect(down).toMatchObject({ ok: false, state: 'unreachable', cause: { code: 'unavailable' } })
    await expect(registry.ping()).rejects.toMatchObject({ code: 'unavailable' })
    expect(down.registrations).toMatchObject([
      { service: 's', id: 'a', status: { state: 'registering', cause: { code: 'unavailable' } } },
    ])
    expect(down.watches).toMatchObject([{ service: 's', scope: 'service', readers: 1 }])
    expect(down.lastErrors.at(-1)?.error.code).toBe('unavailable')
    faults.start()
    await until(() => registry.health().ok)
    expect(pending.status.state).toBe('registered')
    expect(registry.health().session).toMatchObject({ state: 'live', grantedTtlMs: 300 })
    await registry.close()
    expect(registry.health()).toMatchObject({ ok: false, state: 'closed' })
  })

  test('an outage of many instances and watches is logged in three lines, with their causes', async () => {
    const lines: { level: string; details: Record<string, unknown>; message: string }[] = []
    const log = (level: string) => (details: object, message: string) => {
      if (level !== 'debug') lines.push({ level, details: { ...details }, message })
    }
    const { registry, faults } = open({
      logger: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
    })
    const registrations = await Promise.all(
      Array.from({ length: 20 }, () =>
        registry.register({ service: 's', endpoints: ['http://h:1'] }),
      ),
    )
    const watchers = ['s', 't', 'u'].map((service) => registry.watch(service))
    for (const watcher of watchers) await watcher.next()
    lines.length = 0
    faults.stop()
    faults.wipe()
    await until(() => registrations.every(({ status }) => status.state === 'recovering'))
    await until(() => watchers.every(({ stale }) => stale !== undefined))
    faults.start()
    await until(() => registry.health().ok)
    await registry.close()
    const events = lines.map(({ level, details }) => `${level} ${String(details['event'])}`)
    // what is held, and what is deregistered by `close`, are events of their own
    expect(events.filter((event) => event.includes('outage'))).toEqual([
      'warn outage-began',
      ...events.filter((event) => event === 'warn outage-changed'),
      'info outage-ended',
    ])
    expect(events.filter((event) => /recovering|registered|stale|session/.test(event))).toEqual([])
    expect(lines[0]?.details['err']).toMatchObject({ code: 'unavailable' })
    expect(lines[0]?.details).not.toHaveProperty('cause')
  })

  test('a record that was deleted is logged as trouble and as recovery', async () => {
    const lines: string[] = []
    const log = (level: string) => (details: object) => {
      if ('event' in details) lines.push(`${level} ${String(details.event)}`)
    }
    const { registry, faults } = open({
      logger: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
    })
    const registration = await registry.register({
      service: 's',
      id: 'a',
      endpoints: ['http://h:1'],
    })
    faults.deleteRecord('s', 'a')
    await until(() => lines.includes('warn registration-recovering'))
    await until(() => registration.status.state === 'registered')
    await registry.close()
    expect(lines.filter((line) => /(?:recovering|registered)$/.test(line))).toEqual([
      'info registration-registered',
      'warn registration-recovering',
      'info registration-registered',
    ])
  })
})
