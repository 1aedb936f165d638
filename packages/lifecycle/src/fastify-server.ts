import { type AnyHttpServer, HttpDrain } from './drain-http.ts'
import { portOf } from './http-server.ts'
import type { ServiceServer } from './service-server.ts'

/** Where a Fastify application listens. Default: any free port of this machine's loopback. */
export interface FastifyListenOptions {
  readonly port?: number
  readonly host?: string
}

/** What is used of a Fastify application (5 and later). */
export interface FastifyApp {
  readonly server: AnyHttpServer
  listen(options: FastifyListenOptions): Promise<string>
  close(): PromiseLike<unknown>
}

/**
 * A Fastify application. `app.close()` answers 503 from its first moment on, also while `preClose`
 * hooks wait: so the connections are drained first, and the application is closed when the last
 * request was answered.
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
