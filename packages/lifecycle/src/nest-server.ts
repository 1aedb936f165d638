import { type AnyHttpServer, HttpDrain } from './drain-http.ts'
import { portOf } from './http-server.ts'
import type { ServiceServer } from './service-server.ts'

/** The part of a Nest application (10 and later) that this package uses. */
export interface NestApp {
  listen(port: number, host?: string): Promise<unknown>
  getHttpServer(): AnyHttpServer
  close(): Promise<void>
}

/**
 * A Nest application. Drains the connections before `app.close()`, which runs `onModuleDestroy`
 * before it closes the server: a request in progress would find its database closed. Do not call
 * `enableShutdownHooks`, because its handlers close the application when the signal arrives.
 */
export const nestServer = (app: NestApp, port = 0, host?: string): ServiceServer => {
  const drain = new HttpDrain(app.getHttpServer())
  return {
    listen: async () => {
      await (host === undefined ? app.listen(port) : app.listen(port, host))
      return [portOf(app.getHttpServer())]
    },
    drain: async (signal) => {
      await drain.drain(signal)
      await app.close()
    },
    destroy: () => drain.destroy(),
  }
}
