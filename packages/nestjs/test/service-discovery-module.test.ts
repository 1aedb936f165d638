import 'reflect-metadata'
import {
  type DynamicModule,
  type INestApplication,
  type LoggerService,
  Module,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { ServiceProcess } from '@sd/calling-tests'
import type { Logger } from '@sd/core'
import { nestServer, runService } from '@sd/lifecycle'
import { MemoryStore } from '@sd/memory'
import { createRegistry, type Registry } from '@sd/registry'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  nestLogger,
  REGISTRY,
  runNest,
  ServiceDiscoveryModule,
  type ServiceDiscoveryOptions,
  ServiceLifecycle,
} from '../src/index.ts'
import { ordersModule } from './orders-module.ts'
import { platformOf, platforms } from './platforms.ts'

let store: MemoryStore
let observer: Registry
const apps: INestApplication[] = []
const open = (logger?: Logger): Promise<Registry> =>
  createRegistry({ backend: 'memory', store, ...(logger ? { logger } : {}) })

beforeEach(async () => {
  store = new MemoryStore()
  observer = await open()
})
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close()
  await observer.close()
})

interface Created {
  readonly discovery: DynamicModule
  readonly platform?: string
  readonly tell?: (line: string) => void
  readonly logger?: LoggerService
}

const create = async ({ discovery, platform = 'express', tell, logger }: Created) => {
  const app = await NestFactory.create(ordersModule(discovery, tell), platformOf(platform), {
    logger: logger ?? false,
    abortOnError: false,
  })
  apps.push(app)
  return app
}

const instance = { service: 'orders', id: 'a' }
const options = (more: Partial<ServiceDiscoveryOptions> = {}): ServiceDiscoveryOptions => ({
  registry: open,
  instance,
  propagationMs: 0,
  signals: [],
  ...more,
})
const listed = async (): Promise<readonly string[]> =>
  (await observer.list('orders')).flatMap(({ endpoints }) => endpoints)

describe.each(platforms)('on %s', (platform) => {
  test('it is registered while it listens, and deregistered before any module closes', async () => {
    const lines: string[] = []
    const discovery = ServiceDiscoveryModule.forRoot(
      options({ onPhase: ({ phase }) => void lines.push(phase) }),
    )
    const app = await create({ discovery, platform, tell: (line) => void lines.push(line) })
    const service = await runNest(app, 0, '127.0.0.1')
    const address = await app.getUrl()
    for await (const { state } of service?.registration.statuses() ?? [])
      if (state === 'registered') break
    expect(await listed()).toEqual([address])
    expect(await (await fetch(`${address}/services`)).json()).toEqual(['orders'])
    await app.close()
    expect(await listed()).toEqual([])
    expect(lines.slice(lines.indexOf('deregister'))).toEqual([
      'deregister',
      'propagate',
      'drain',
      'close',
      'database closed',
      'shut down',
    ])
  })

  test('it answers the probes and the weight beside the controllers', async () => {
    const authorize = ({ headers }: Request): boolean => headers.get('authorization') === 'Bearer x'
    const discovery = ServiceDiscoveryModule.forRoot(
      options({ probes: true, weight: { authorize } }),
    )
    const app = await create({ discovery, platform })
    app.setGlobalPrefix('api')
    await runNest(app, 0, '127.0.0.1')
    const address = await app.getUrl()
    const put = (authorization: string) =>
      fetch(`${address}/weight?weight=5`, { method: 'PUT', headers: { authorization } })
    expect((await fetch(`${address}/livez`)).status).toBe(200)
    expect((await put('Bearer y')).status).toBe(403)
    expect(await (await put('Bearer x')).json()).toMatchObject({ id: 'a', weight: 5 })
    expect((await fetch(`${address}/readyz`)).status).toBe(200)
    expect(app.get(ServiceLifecycle).registration?.instance.weight).toBe(5)
  })

  test.each([
    ['by itself', []],
    ['with the shutdown hooks of Nest', ['hooks']],
  ])(
    'a process leaves in order on SIGTERM, after the last answer, %s',
    { timeout: 30_000 },
    async (_, more) => {
      const program = new URL('programs/service.ts', import.meta.url)
      await using service = ServiceProcess.start(program, platform, ...more)
      const [, address] = (await service.until(/^listening/)).split(' ')
      const slow = fetch(`${address}/slow`)
      await service.until(/^begun/)
      service.signal('SIGTERM')
      await service.until(/^propagate/)
      service.send('answer')
      const response = await slow
      expect([await response.text(), response.headers.get('connection')]).toEqual(['slow', 'close'])
      await service.exitCode
      const ended = service.since('deregister')
      expect(ended.filter((line) => line !== 'drain' && line !== 'close')).toEqual([
        'deregister',
        'propagate',
        'answered',
        'database closed',
        'shut down',
      ])
      expect(ended).toEqual(expect.arrayContaining(['drain', 'close']))
    },
  )
})

test('forRootAsync takes its options from other providers', async () => {
  class Settings {
    readonly service = 'billing'
  }
  class SettingsModule {
    readonly name = 'settings'
  }
  const discovery = ServiceDiscoveryModule.forRootAsync({
    imports: [{ module: SettingsModule, providers: [Settings], exports: [Settings] }],
    inject: [Settings],
    useFactory: async ({ service }: Settings) => options({ instance: { service, id: 'b' } }),
  })
  const app = await create({ discovery })
  await runNest(app, 0, '127.0.0.1')
  expect(app.get(ServiceLifecycle).registration?.service).toBe('billing')
})

test('without an instance it discovers only, and closes the registry', async () => {
  const { instance: _, ...discoverOnly } = options()
  const app = await create({ discovery: ServiceDiscoveryModule.forRoot(discoverOnly) })
  expect(await runNest(app, 0, '127.0.0.1')).toBeUndefined()
  const registry = app.get<Registry>(REGISTRY)
  await app.close()
  await expect(registry.list('orders')).rejects.toMatchObject({ code: 'closed' })
})

test('a refused instance closes the application and rejects', async () => {
  const lines: string[] = []
  const discovery = ServiceDiscoveryModule.forRoot(
    options({ instance: { ...instance, weight: -1 } }),
  )
  const app = await create({ discovery, tell: (line) => void lines.push(line) })
  await expect(runNest(app, 0, '127.0.0.1')).rejects.toThrow('weight')
  expect(lines).toEqual(['database closed', 'shut down'])
})

test('runService runs an application without the module, by nestServer', async () => {
  class AppModule {
    readonly name = 'app'
  }
  Module({})(AppModule)
  const app = await NestFactory.create(AppModule, new ExpressAdapter(), { logger: false })
  const service = await runService({
    registry: await open(),
    instance,
    listen: nestServer(app, 0, '127.0.0.1'),
    propagationMs: 0,
    signals: [],
  })
  expect(service.registration.instance.endpoints).toEqual([await app.getUrl()])
  expect(await service.stop()).toEqual({ exitCode: 0, errors: [] })
})

test('app.listen() instead of runNest is reported', async () => {
  const warnings: string[] = []
  const logger: LoggerService = {
    log: () => {},
    error: () => {},
    warn: (message: string) => void warnings.push(message),
  }
  const app = await create({ discovery: ServiceDiscoveryModule.forRoot(options()), logger })
  await app.listen(0, '127.0.0.1')
  expect(warnings).toEqual([
    'orders is not registered: app.listen() started it; start it with runNest(app, port)',
  ])
  expect(await listed()).toEqual([])
})

test('the logger writes messages by level, and the stack of an error', () => {
  const lines: unknown[][] = []
  const level =
    (name: string) =>
    (...line: unknown[]): void =>
      void lines.push([name, ...line])
  const logger = nestLogger({
    log: level('log'),
    error: level('error'),
    warn: level('warn'),
    debug: level('debug'),
  })
  const err = new Error('refused')
  logger.debug({}, 'd')
  logger.info({}, 'i')
  logger.warn({}, 'w')
  logger.error({ err }, 'e')
  expect(lines).toEqual([
    ['debug', 'd'],
    ['log', 'i'],
    ['warn', 'w'],
    ['error', 'e', err.stack],
  ])
})
