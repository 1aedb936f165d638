import type { Registration, Registry } from '@sd/core'
import {
  attachService,
  type IntegrationOptions,
  type ServiceRoute,
  serviceRoutes,
} from '@sd/lifecycle'
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify'
import { fastifyPlugin } from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /** The registry that the plugin `serviceDiscovery` was given, or opened. */
    readonly registry: Registry
    /** This application's registration, from the time it listens; without `instance` undefined. */
    readonly registration: Registration | undefined
    /**
     * Resolves to the registration when the application listens, without `instance` to `undefined`
     * at once. `app.listen()` does not wait for it. Rejects with the reason if registering fails.
     */
    readonly registered: Promise<Registration | undefined>
  }
}

/** Options of the plugin: those of `runService`, what to register, and routes to add. */
export type ServiceDiscoveryOptions = IntegrationOptions

const toWeb = ({ method, url, headers }: FastifyRequest): Request =>
  new Request(new URL(url, 'http://localhost'), {
    method,
    headers: Object.entries(headers).map(([name, value]) => [name, String(value)]),
  })

const addRoute = (app: FastifyInstance, { methods, path, handler }: ServiceRoute): void => {
  app.route({
    method: [...methods],
    url: path,
    handler: async (request, reply) => reply.send(await handler(toWeb(request))),
  })
}

/**
 * Decorates the application with `registry`, `registration` and `registered`. With `instance`, it
 * registers the application when it listens, and runs the phases of `runService` when a signal
 * arrives: deregister, keep serving, drain, close the application and the registry, exit. If
 * registering fails for good, the application closes and the exit code is 1.
 *
 * `app.close()` runs the same phases, but Fastify answers 503 to new requests from its start,
 * unless the application was created with `return503OnClosing: false`.
 *
 * @throws RegistryError what opening the registry throws; `invalid-argument` for a time or a
 * missing `authorize`
 */
export const serviceDiscovery: FastifyPluginAsync<ServiceDiscoveryOptions> = fastifyPlugin(
  async (app: FastifyInstance, options: ServiceDiscoveryOptions) => {
    const { registry: source, instance, probes, weight, ...rest } = options
    const registry = typeof source === 'function' ? await source(app.log) : source
    const {
      promise: registered,
      resolve,
      reject,
    } = Promise.withResolvers<Registration | undefined>()
    let registration: Registration | undefined
    app.decorate('registry', registry)
    app.decorate('registration', { getter: () => registration })
    app.decorate('registered', registered)
    app.addHook('onClose', () => registry.close())
    for (const route of serviceRoutes({ probes, weight }, registry, () => registration))
      addRoute(app, route)
    if (instance === undefined) return resolve(undefined)
    const attached = attachService(
      { server: app.server, close: () => app.close() },
      { ...rest, instance, registry, logger: app.log },
    )
    // the application may ignore it: the log and the exit code tell of a failure
    registered.catch(() => {
      process.exitCode = 1
    })
    app.addHook('onListen', async () => {
      try {
        ;({ registration } = await attached.start())
        resolve(registration)
      } catch (error) {
        reject(error)
      }
    })
    app.addHook('preClose', async () => {
      await attached.beforeClose()
    })
  },
  { name: '@sd/fastify', fastify: '5.x' },
)
