import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  type HttpServer,
  Inject,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common'
import type { HttpAdapterHost } from '@nestjs/core'
import type { Logger, Registration, Registry } from '@sd/core'
import {
  type AnyHttpServer,
  type AttachedService,
  attachService,
  type IntegrationOptions,
  type RunningService,
  type RunServiceOptions,
  type ServiceRoute,
  serviceRoutes,
} from '@sd/lifecycle'

/** The injection token of the registry. */
export const REGISTRY: unique symbol = Symbol('@sd/nestjs registry')

/** Injects the registry: `constructor(@InjectRegistry() private readonly registry: Registry)`. */
export const InjectRegistry = (): ReturnType<typeof Inject> => Inject(REGISTRY)

/** The request or response of `node:http`, which Fastify's own objects hold as `raw`. */
const rawOf = <T extends object>(message: T): T => ('raw' in message ? (message.raw as T) : message)

const addRoute = (adapter: HttpServer, { methods, path, handler }: ServiceRoute): void => {
  const respond = (request: IncomingMessage, response: ServerResponse): void => {
    // keeps Fastify from answering as well
    if ('hijack' in response && typeof response.hijack === 'function') response.hijack()
    handler.node(rawOf(request), rawOf(response))
  }
  for (const method of methods)
    adapter[method.toLowerCase() as Lowercase<typeof method>](path, respond)
}

/** Registers the application that `runNest` runs, and deregisters it in order. Injectable. */
export class ServiceLifecycle implements OnModuleInit, OnApplicationShutdown {
  readonly #options: IntegrationOptions
  readonly #registry: Registry
  readonly #logger: Logger
  readonly #host: HttpAdapterHost
  #close: (() => Promise<void>) | undefined
  #attached: AttachedService | undefined
  #service: RunningService | undefined

  /** @internal Created by `ServiceDiscoveryModule`. */
  constructor(
    options: IntegrationOptions,
    registry: Registry,
    logger: Logger,
    host: HttpAdapterHost,
  ) {
    this.#options = options
    this.#registry = registry
    this.#logger = logger
    this.#host = host
  }

  /** This application's registration, once `runNest` has resolved. */
  get registration(): Registration | undefined {
    return this.#service?.registration
  }

  /** @internal Called by Nest before the server listens. */
  onModuleInit(): void {
    const adapter = this.#host.httpAdapter as HttpServer | undefined
    if (adapter === undefined) return
    for (const route of serviceRoutes(this.#options, this.#registry, () => this.registration))
      addRoute(adapter, route)
    const { instance } = this.#options
    if (instance !== undefined) this.#attach(adapter, instance)
  }

  #attach(adapter: HttpServer, instance: RunServiceOptions['instance']): void {
    const server = adapter.getHttpServer() as AnyHttpServer
    const attached = attachService(
      { server, close: async () => this.#close?.() },
      { ...this.#options, instance, registry: this.#registry, logger: this.#logger },
    )
    // Nest calls this before `onModuleDestroy` of any module: requests still find their database
    const beforeClose = adapter.beforeClose?.bind(adapter)
    adapter.beforeClose = async (): Promise<void> => {
      await attached.beforeClose()
      await beforeClose?.()
    }
    server.once('listening', () => {
      if (this.#close !== undefined) return
      const { service } = instance
      this.#logger.warn(
        { service },
        `${service} is not registered: app.listen() started it; start it with runNest(app, port)`,
      )
    })
    this.#attached = attached
  }

  /** @internal Called by `runNest` before the server listens. `close` closes the application. */
  own(close: () => Promise<void>): void {
    this.#close = close
  }

  /** @internal Called by `runNest` when the server listens. */
  async start(): Promise<RunningService | undefined> {
    this.#service = await this.#attached?.start()
    return this.#service
  }

  /** @internal Called by Nest after the server is closed. */
  async onApplicationShutdown(): Promise<void> {
    await this.#registry.close()
  }
}
