import { type Server, ServerCredentials } from '@grpc/grpc-js'
import type { Registrar, Registration } from '@sd/core'
import { healthServiceDefinition } from '../health/health-protocol.ts'
import { HealthService } from '../health/health-service.ts'
import { reportHealth } from './report-health.ts'
import {
  advertisedEndpoint,
  readStopTimes,
  type ServedInstance,
  type ServeOptions,
  serveProblem,
} from './serve-options.ts'
import { type StopOutcome, stopServer } from './stop-server.ts'

/** A registered server, and how to stop it without losing calls. */
export interface ServedRegistration extends AsyncDisposable {
  /** The port that was bound. */
  readonly port: number
  /** The endpoint registered for it, `grpc://…` or `grpcs://…`. */
  readonly endpoint: string
  readonly registration: Registration
  /** `undefined` with `health: false`. */
  readonly health: HealthService | undefined
  /**
   * Reports NOT_SERVING, deregisters, and serves for another `propagationMs`. Then refuses new
   * calls and waits up to `drainMs` for those in flight. Never rejects. Idempotent: later calls get
   * the same promise.
   */
  stop(): Promise<StopOutcome>
}

const bind = (server: Server, listen: string, credentials: ServerCredentials): Promise<number> =>
  new Promise((resolve, reject) => {
    server.bindAsync(listen, credentials, (error, port) => {
      if (error === null) resolve(port)
      else reject(error)
    })
  })

/**
 * Binds a grpc-js server that has its services already, registers it, and returns how to stop it.
 * Resolves once the registration is acknowledged. While the registry is unreachable it keeps
 * trying, and the server serves meanwhile. When it rejects, the server is shut down.
 * @throws RegistryError `invalid-argument` for options, an address that cannot be bound, and an own
 * address that cannot be determined; and as `register` does
 */
export const serveRegistered = async (
  server: Server,
  registrar: Registrar,
  instance: ServedInstance,
  options: ServeOptions = {},
): Promise<ServedRegistration> => {
  const { service } = instance
  const times = readStopTimes(service, options)
  const { listen = '0.0.0.0:0', health: names = [] } = options
  // throws before the server is bound if there are several addresses to choose from
  advertisedEndpoint(service, options, 1)
  options.register?.signal?.throwIfAborted()
  const health = names === false ? undefined : new HealthService([service, ...names])
  health?.addTo(server)
  let port: number
  try {
    port = await bind(server, listen, options.credentials ?? ServerCredentials.createInsecure())
  } catch (cause) {
    // another attempt adds it again
    if (health !== undefined) server.removeService(healthServiceDefinition)
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw serveProblem(service, `cannot listen on ${listen}: ${reason}`, cause)
  }
  const endpoint = advertisedEndpoint(service, options, port)
  let registration: Registration
  try {
    const endpoints = [endpoint, ...(instance.endpoints ?? [])]
    registration = await registrar.register({ ...instance, endpoints }, options.register)
  } catch (error) {
    server.forceShutdown()
    throw error
  }
  const reporting = new AbortController()
  if (health !== undefined) reportHealth(registration, health, reporting.signal)
  let stopping: Promise<StopOutcome> | undefined
  const stop = (): Promise<StopOutcome> => {
    reporting.abort()
    stopping ??= stopServer(server, registration, health, times)
    return stopping
  }
  return {
    port,
    endpoint,
    registration,
    health,
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop()
    },
  }
}
