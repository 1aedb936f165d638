import { type AnyHttpServer, HttpDrain } from './drain-http.ts'
import { portOf } from './http-server.ts'
import type { ServiceServer } from './service-server.ts'

/** What is used of a Nest application (10 and later). */
export interface NestApp {
  listen(port: number, host?: string): Promise<unknown>
  getHttpServer(): AnyHttpServer
  close(): Promise<void>
}

/**
 * A Nest application. `app.close()` runs `onModuleDestroy` before the server is closed, so that
 * requests in progress find their database closed: connections are drained first. Do not call
 * `enableShutdownHooks`: its handlers close the application when the signal arrives.
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
