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
      ok: true,
      session: { state: 'idle' },
    })
    faults.stop()
    const pending = await registry.register(
      { service: 's', id: 'a', endpoints: ['http://h:1'] },
      { waitFor: 'accepted' },
    )
    const watcher = registry.watch('s')
    await until(() => registry.health().lastErrors.length > 0 && watcher.stale !== undefined)
    const down = registry.health()
    expect(down.ok).toBe(false)
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
  })
})
