import { createServer } from 'node:http'
import { MemoryStore } from '@sd/memory'
import { MemoryFaults } from '@sd/memory/faults'
import { createRegistry, type Registry } from '@sd/registry'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  httpServer,
  type LifecycleEvent,
  type RunningService,
  type RunServiceOptions,
  runService,
  type ServiceServer,
} from '../src/index.ts'

let store: MemoryStore
let registry: Registry
beforeEach(async () => {
  store = new MemoryStore()
  registry = await createRegistry({ backend: 'memory', store, closeTimeoutMs: 200 })
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await registry.close()
})

const another = (): Promise<Registry> => createRegistry({ backend: 'memory', store })

const server = (): ServiceServer =>
  httpServer(
    createServer((_, response) => response.end('ok')),
    { host: '127.0.0.1' },
  )

const options = (more: Partial<RunServiceOptions> = {}): RunServiceOptions => ({
  registry,
  instance: { service: 'orders', id: 'orders-1' },
  listen: server(),
  propagationMs: 0,
  signals: [],
  ...more,
})

/** A service whose instance is in the registry. */
const runRegistered = async (more: Partial<RunServiceOptions>): Promise<RunningService> => {
  const service = await runService(options(more))
  for await (const { state } of service.registration.statuses()) if (state === 'registered') break
  return service
}

describe('runService', () => {
  test('listens, becomes ready, registers; deregisters, continues to serve, drains, closes', async () => {
    const reader = await createRegistry({ backend: 'memory', store })
    const events: LifecycleEvent[] = []
    const seen: string[] = []
    const lookUp = async (moment: string): Promise<void> => {
      seen.push(`${moment}: ${(await reader.list('orders')).length}`)
    }
    const service = await runRegistered({
      ready: () => lookUp('ready'),
      propagationMs: 500,
      onPhase: (event) => events.push(event),
      onDrain: () => lookUp('drain'),
      onStop: () => lookUp('stop'),
    })
    const [instance] = await reader.list('orders')
    const endpoint = instance?.endpoints[0] ?? ''
    expect(endpoint).toBe(`http://127.0.0.1:${service.ports[0]?.port}`)
    const stopped = service.stop()
    await vi.waitFor(async () => expect(await reader.list('orders')).toEqual([]))
    expect(await (await fetch(endpoint)).text()).toBe('ok') // it is deregistered, and continues to serve
    expect(await stopped).toEqual({ exitCode: 0, errors: [] })
    expect(await service.stopped).toBe(await stopped)
    expect(events.map(({ phase }) => phase)).toEqual([
      'listen',
      'ready',
      'register',
      'draining',
      'deregister',
      'propagate',
      'drain',
      'stop',
      'close',
    ])
    expect(seen).toEqual(['ready: 0', 'drain: 0', 'stop: 0'])
    await reader.close()
  })

  test('publishes that it is draining before it leaves', async () => {
    const reader = await createRegistry({ backend: 'memory', store })
    const watcher = reader.watch('orders')
    const service = await runRegistered({ propagationMs: 50 })
    const seen: string[] = []
    const following = (async () => {
      for await (const event of watcher) {
        if (event.type === 'stale') continue
        for (const { type, instance } of event.changes) {
          seen.push(`${type} ${instance.health}`)
          if (type === 'removed') return
        }
      }
    })()
    await service.stop()
    await following
    // a slow reader gets one merged change
    expect(seen.at(-1)).toBe('removed draining')
    expect(seen).not.toContain('removed passing')
    await reader.close()
  })

  test('runs a check of the service', async () => {
    let works = true
    const check = { check: () => works, intervalMs: 20, failuresBeforeFailing: 2 }
    const service = await runRegistered({ check })
    expect(service.registration.instance.health).toBe('passing')
    works = false
    await vi.waitFor(async () =>
      expect(await registry.list('orders')).toMatchObject([{ health: 'failing' }]),
    )
    await service.stop()
    const alone = await runService(options({ check: () => false, registry: await another() }))
    expect(alone.registration.instance.health).toBe('failing')
    await alone.stop()
  })

  test.each(['onDrain', 'onStop'] as const)(
    'runs the later phases when %s throws, and ends with exit code 1',
    async (hook) => {
      const phases: string[] = []
      const boom = new Error('boom')
      const service = await runRegistered({
        [hook]: () => Promise.reject(boom),
        onPhase: ({ phase, error }) => phases.push(error === undefined ? phase : `${phase}!`),
      })
      expect(await service.stop()).toEqual({ exitCode: 1, errors: [boom] })
      expect(phases.slice(phases.indexOf('propagate'))).toEqual(
        hook === 'onDrain'
          ? ['propagate', 'drain!', 'close']
          : ['propagate', 'drain', 'stop!', 'close'],
      )
      await expect(fetch(`http://127.0.0.1:${service.ports[0]?.port}`)).rejects.toThrow(
        'fetch failed',
      )
    },
  )

  test.each(['listen', 'ready'] as const)(
    'stops the started phases when %s fails',
    async (phase) => {
      const boom = new Error('boom')
      const listen = server()
      const failing = () => Promise.reject(boom)
      const started = runService(
        phase === 'ready'
          ? options({ ready: failing, listen })
          : options({ listen: { ...listen, listen: failing, drain: async () => {} } }),
      )
      await expect(started).rejects.toBe(boom)
      await expect(registry.list('orders')).rejects.toMatchObject({ code: 'closed' })
    },
  )

  test('refuses an invalid instance before it is published, and stops the server', async () => {
    const started = runService(options({ instance: { service: '' } }))
    await expect(started).rejects.toMatchObject({ code: 'invalid-argument' })
  })

  test.each(['drainMs', 'propagationMs', 'startTimeoutMs'] as const)(
    'refuses a %s that is not a duration before it listens',
    async (name) => {
      await expect(runService(options({ [name]: -1 }))).rejects.toThrow(
        `${name} is -1; expected milliseconds from 0 to 2147483647`,
      )
    },
  )

  test('runs while the registry is unreachable', async () => {
    const faults = new MemoryFaults(store)
    faults.pause()
    const service = await runService(options())
    expect(service.registration.status.state).toBe('registering')
    const text = await (await fetch(`http://127.0.0.1:${service.ports[0]?.port}`)).text()
    expect(text).toBe('ok')
    expect((await service.stop()).exitCode).toBe(0)
  })

  test('continues to stop when the registry does not answer', async () => {
    const faults = new MemoryFaults(store)
    const service = await runRegistered({ deregisterTimeoutMs: 50 })
    faults.pause()
    const { exitCode, errors } = await service.stop()
    expect(exitCode).toBe(1)
    expect(errors.map(String)).toEqual([
      'PhaseTimeoutError: draining did not end within 25 ms',
      'PhaseTimeoutError: deregister did not end within 25 ms',
    ])
    await expect(fetch(`http://127.0.0.1:${service.ports[0]?.port}`)).rejects.toThrow(
      'fetch failed',
    )
  })

  const untilAborted = (signal: AbortSignal): Promise<never> =>
    new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error))
    })

  test('fails when it does not become ready in time', async () => {
    const started = runService(options({ ready: untilAborted, startTimeoutMs: 50 }))
    await expect(started).rejects.toThrow('ready did not end within 50 ms')
  })

  test('stops when its signal aborts while it becomes ready', async () => {
    const controller = new AbortController()
    const reason = new Error('no longer wanted')
    const started = runService(
      options({
        ready: (signal) => {
          controller.abort(reason)
          return untilAborted(signal)
        },
        signal: controller.signal,
      }),
    )
    await expect(started).rejects.toBe(reason)
    await expect(registry.list('orders')).rejects.toMatchObject({ code: 'closed' })
  })

  test('stops when its signal aborts', async () => {
    const controller = new AbortController()
    const service = await runService(options({ signal: controller.signal }))
    controller.abort()
    expect((await service.stopped).exitCode).toBe(0)
  })

  test('writes one log line for each phase', async () => {
    const lines: string[] = []
    const log = (_: object, message: string): void => void lines.push(message)
    const logger = { debug: log, info: log, warn: log, error: log }
    const service = await runRegistered({ logger, onStop: () => Promise.reject(new Error('x')) })
    await service.stop()
    expect(lines.map((line) => line.replace(/\d+ ms/, 'n ms'))).toEqual([
      'orders: listen, n ms',
      'orders: register, n ms',
      'orders: draining, n ms',
      'orders: deregister, n ms',
      'orders: propagate, n ms',
      'orders: drain, n ms',
      'orders: stop failed: x',
      'orders: close, n ms',
    ])
  })
})

describe('the endpoints', () => {
  const endpointsOf = async (more: Partial<RunServiceOptions>): Promise<readonly string[]> => {
    await using service = await runService(options(more))
    return service.registration.instance.endpoints.map((endpoint) =>
      endpoint.replace(`:${service.ports[0]?.port}`, ':port'),
    )
  }

  test('are the given ones', async () => {
    const endpoints = ['http://orders.example:80']
    expect(await endpointsOf({ instance: { service: 'orders', endpoints } })).toEqual(endpoints)
  })

  test('have the given host, else SD_HOST, else the one to which the server is bound', async () => {
    expect(await endpointsOf({})).toEqual(['http://127.0.0.1:port'])
    vi.stubEnv('SD_HOST', '10.1.2.3')
    expect(await endpointsOf({ registry: await createRegistry('memory:endpoints') })).toEqual([
      'http://10.1.2.3:port',
    ])
    expect(
      await endpointsOf({
        registry: await createRegistry('memory:endpoints'),
        host: '2001:db8::1',
      }),
    ).toEqual(['http://[2001:db8::1]:port'])
  })
})
