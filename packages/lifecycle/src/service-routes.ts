import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger, Registration, Registry } from '@sd/core'
import { healthHandlers } from './health-handlers.ts'
import type { RunServiceOptions } from './run-service.ts'
import { weightHandler, type WeightHandlerOptions } from './weight-handler.ts'

/** What the integration of a web framework takes: options of `runService`, and its routes. */
export interface IntegrationOptions extends Omit<
  RunServiceOptions,
  'registry' | 'listen' | 'instance' | 'logger'
> {
  /**
   * A registry, or a function that opens one with the framework's logger:
   * `(logger) => createRegistry({ url, logger })`. It is closed with the application.
   */
  readonly registry: Registry | ((logger: Logger) => Registry | Promise<Registry>)
  /** What to register while the application runs. Default: nothing; it discovers only. */
  readonly instance?: RunServiceOptions['instance'] | undefined
  /** Adds the probes `GET /livez` and `GET /readyz`, or at other paths. Default: none. */
  readonly probes?: boolean | { readonly livez: string; readonly readyz: string } | undefined
  /** Adds `GET`, `PUT` and `POST` for the weight, at `path` (`/weight`). Default: none. */
  readonly weight?: (WeightHandlerOptions & { readonly path?: string | undefined }) | undefined
}

/** A route that an integration adds to its framework. */
export interface ServiceRoute {
  readonly methods: readonly ('GET' | 'PUT' | 'POST')[]
  readonly path: string
  readonly handler: {
    (request: Request): Response | Promise<Response>
    readonly node: (request: IncomingMessage, response: ServerResponse) => void
  }
}

/**
 * The routes that `probes` and `weight` ask for. `registration` is called for each request.
 * @throws RegistryError `invalid-argument` if `weight.authorize` is missing
 */
export const serviceRoutes = (
  { probes = false, weight }: Pick<IntegrationOptions, 'probes' | 'weight'>,
  registry: Registry,
  registration: () => Registration | undefined,
): readonly ServiceRoute[] => {
  const routes: ServiceRoute[] = []
  if (probes !== false) {
    const paths = probes === true ? { livez: '/livez', readyz: '/readyz' } : probes
    const { livez, readyz } = healthHandlers(registry)
    routes.push({ methods: ['GET'], path: paths.livez, handler: livez })
    routes.push({ methods: ['GET'], path: paths.readyz, handler: readyz })
  }
  if (weight !== undefined) {
    const path = weight.path ?? '/weight'
    const handler = weightHandler(registration, weight)
    routes.push({ methods: ['GET', 'PUT', 'POST'], path, handler })
  }
  return routes
}
