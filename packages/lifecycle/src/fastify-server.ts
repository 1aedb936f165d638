import { type AnyHttpServer, HttpDrain } from './drain-http.ts'
import { portOf } from './http-server.ts'
import type { ServiceServer } from './service-server.ts'

/** Where a Fastify application listens. Default: any free port on loopback. */
export interface FastifyListenOptions {
  readonly port?: number
  readonly host?: string
}

/** The part of a Fastify application (5 and later) that this package uses. */
export interface FastifyApp {
  readonly server: AnyHttpServer
  listen(options: FastifyListenOptions): Promise<string>
  close(): PromiseLike<unknown>
}

/**
 * A Fastify application. Drains the connections, and closes the application after the last request
 * is answered: `app.close()` answers 503 from its start, even while `preClose` hooks wait.
 */
export const fastifyServer = (
  app: FastifyApp,
  options: FastifyListenOptions = {},
): ServiceServer => {
  const drain = new HttpDrain(app.server)
  return {
    listen: async () => {
      await app.listen({ port: 0, ...options })
      return [portOf(app.server)]
    },
    drain: async (signal) => {
      await drain.drain(signal)
      await app.close()
    },
    destroy: () => drain.destroy(),
  }
}
