import type { Logger } from '@sd/core'
import { MemoryStore } from '@sd/memory'
import { createRegistry, type Registry } from '@sd/registry'
import { ServiceProcess } from '@sd/calling-tests'
import fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { serviceDiscovery, type ServiceDiscoveryOptions } from '../src/index.ts'

let store: MemoryStore
let observer: Registry
let app: FastifyInstance
const open = (logger?: Logger): Promise<Registry> =>
  createRegistry({ backend: 'memory', store, ...(logger ? { logger } : {}) })

beforeEach(async () => {
  store = new MemoryStore()
  observer = await open()
  app = fastify({ return503OnClosing: false })
})
afterEach(async () => {
  await app.close()
  await observer.close()
})

const plugIn = async (options: Partial<ServiceDiscoveryOptions>): Promise<FastifyInstance> => {
  const common = { registry: open, propagationMs: 0, signals: [], ...options }
  await app.register(serviceDiscovery, common)
  return app
}

const registered = async (): Promise<void> => {
  const registration = await app.registered
  for await (const { state } of registration?.statuses() ?? []) if (state === 'registered') return
}
const instance = { service: 'orders', id: 'a' }
const listed = async (): Promise<readonly string[]> => {
  const instances = await observer.list('orders')
  return instances.flatMap(({ endpoints }) => endpoints)
}

describe('an application with an instance', () => {
  test('is registered while it listens, at the port it listens on', async () => {
    await plugIn({ instance })
    await app.ready()
    expect(app.registration).toBeUndefined()
    const address = await app.listen({ port: 0, host: '127.0.0.1' })
    await registered()
    expect(await listed()).toEqual([address])
    await app.close()
    expect(await listed()).toEqual([])
  })

  test('answers requests that come between its close and the end of propagation', async () => {
    const asked: Promise<Response>[] = []
    app.get('/', async () => 'ok')
    await plugIn({
      instance,
      propagationMs: 500,
      onPhase: ({ phase }) => {
        if (phase === 'deregister') asked.push(fetch(address))
      },
    })
    const address = await app.listen({ port: 0, host: '127.0.0.1' })
    await registered()
    await app.close()
    expect(await Promise.all(asked)).toMatchObject([{ status: 200 }])
  })

  test('closes, with exit code 1, if the instance is refused', async () => {
    let closed = false
    app.addHook('onClose', async () => {
      closed = true
    })
    await plugIn({ instance: { ...instance, weight: -1 } })
    await app.listen({ port: 0, host: '127.0.0.1' })
    await expect(app.registered).rejects.toThrow('weight')
    expect(closed).toBe(true)
    expect(process.exitCode).toBe(1)
    process.exitCode = 0
    expect(app.registration).toBeUndefined()
  })

  test('refuses a wrong time before it listens', async () => {
    const refused = plugIn({ instance, drainMs: -1 })
    await expect(refused).rejects.toThrow('drainMs is -1; expected milliseconds')
  })
})

test('without an instance it discovers only, and closes the registry', async () => {
  await plugIn({})
  const { registry } = app
  await observer.register({ ...instance, endpoints: ['http://h:1'] })
  expect(await registry.list('orders')).toHaveLength(1)
  await app.close()
  await expect(registry.list('orders')).rejects.toMatchObject({ code: 'closed' })
})

test('decorates the whole application, also from a plugin of its own', async () => {
  await plugIn({ registry: observer })
  await app.register(async (child) => {
    child.get('/', async () => child.registry === observer)
  })
  expect((await app.inject('/')).json()).toBe(true)
})

test('the probes follow the registration', async () => {
  await plugIn({ instance, probes: { livez: '/up', readyz: '/ready' } })
  expect((await app.inject('/up')).statusCode).toBe(200)
  const before = await app.inject('/ready')
  expect([before.statusCode, before.json().reasons]).toEqual([503, ['nothing is registered']])
  await app.listen({ port: 0, host: '127.0.0.1' })
  await registered()
  expect((await app.inject('/ready')).statusCode).toBe(200)
})

test('the weight is changed by those who may', async () => {
  const authorize = ({ headers }: Request): boolean => headers.get('authorization') === 'Bearer x'
  await plugIn({ instance, weight: { authorize } })
  const put = (authorization: string) =>
    app.inject({ method: 'PUT', url: '/weight?weight=5', headers: { authorization } })
  expect((await put('Bearer x')).statusCode).toBe(503)
  await app.listen({ port: 0, host: '127.0.0.1' })
  await app.registered
  expect((await put('Bearer y')).statusCode).toBe(403)
  expect((await put('Bearer x')).json()).toMatchObject({ weight: 5 })
  expect(await observer.list('orders')).toMatchObject([{ weight: 5 }])
})

test(
  'a process leaves in order on SIGTERM, after the last answer',
  { timeout: 30_000 },
  async () => {
    await using service = ServiceProcess.start(new URL('programs/service.ts', import.meta.url))
    const [, address] = (await service.until(/^listening/)).split(' ')
    const slow = fetch(`${address}/slow`)
    await service.until(/^begun/)
    service.signal('SIGTERM')
    await service.until(/^propagate/)
    service.send('answer')
    const response = await slow
    expect([await response.text(), response.headers.get('connection')]).toEqual(['slow', 'close'])
    expect(await service.exitCode).toBe(0)
    expect(service.since('deregister')).toEqual([
      'deregister',
      'propagate',
      'onClose',
      'drain',
      'close',
    ])
  },
)
