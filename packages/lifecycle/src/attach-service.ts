import { type AnyHttpServer, HttpDrain } from './drain-http.ts'
import { portOf } from './http-server.ts'
import {
  checkTimes,
  type RunningService,
  runService,
  type RunServiceOptions,
} from './run-service.ts'
import type { StopResult } from './watch-process.ts'

/** An application of a web framework that listens by itself. */
export interface AttachedApp {
  /** Its server, not yet listening. */
  readonly server: AnyHttpServer
  /** Closes the application. Called after the last request is answered. */
  close(): PromiseLike<unknown>
}

/** The lifecycle of an application that listens by itself. */
export interface AttachedService {
  /** Registers the instance. Call it when the server listens. Rejects like `runService`. */
  start(): Promise<RunningService>
  /**
   * Deregisters, keeps serving for a while and drains. Call it from the framework's own close hook,
   * before the framework closes anything. Resolves at once if this service closes the application.
   */
  beforeClose(): Promise<StopResult | undefined>
}

/**
 * Attaches the phases of `runService` to an application that listens by itself: for the integration
 * of a framework. Whichever comes first, a signal or the framework's own close, begins the same
 * phases; they run once.
 * @throws RegistryError `invalid-argument` for a time
 */
export const attachService = (
  app: AttachedApp,
  options: Omit<RunServiceOptions, 'listen'>,
): AttachedService => {
  checkTimes(options)
  const { exit: wanted = true } = options
  const drain = new HttpDrain(app.server)
  let starting: Promise<RunningService> | undefined
  let closedBy: 'service' | 'framework' | undefined
  const listen = {
    listen: async () => [portOf(app.server)],
    drain: async (signal: AbortSignal) => {
      await drain.drain(signal)
      if (closedBy === 'framework') return
      closedBy = 'service'
      await app.close()
    },
    destroy: () => drain.destroy(),
  }
  return {
    start: () => {
      // a framework that closes itself on the same signal still has hooks to run
      const exit = (): boolean =>
        closedBy !== 'framework' && (typeof wanted === 'function' ? wanted() : wanted)
      starting ??= runService({ ...options, exit, listen })
      return starting
    },
    beforeClose: async () => {
      if (closedBy === 'service') return undefined
      closedBy = 'framework'
      // a start that failed has stopped by itself
      const service = await starting?.catch(() => undefined)
      return service?.stop()
    },
  }
}
