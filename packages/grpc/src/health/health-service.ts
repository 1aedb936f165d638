import type { sendUnaryData, Server, ServerUnaryCall, ServerWritableStream } from '@grpc/grpc-js'
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  healthServiceDefinition,
  type ServingStatus,
} from './health-protocol.ts'

type WatchCall = ServerWritableStream<HealthCheckRequest, HealthCheckResponse>

/** grpc-js is not imported for one number, as a process may have two copies of it */
const notFound = 5

/**
 * Serves `grpc.health.v1.Health` for the given services. All of them have the status of the server.
 */
export class HealthService {
  readonly #services: ReadonlySet<string>
  readonly #watching = new Map<WatchCall, string>()
  #status: 'SERVING' | 'NOT_SERVING' = 'NOT_SERVING'

  /** `services`: the service names to answer for, besides the empty one for the whole server. */
  constructor(services: Iterable<string> = []) {
    this.#services = new Set(['', ...services])
  }

  /** The status of the server. `NOT_SERVING` until it is set. */
  get status(): 'SERVING' | 'NOT_SERVING' {
    return this.#status
  }

  /** How many calls of `Watch` are open. */
  get watchers(): number {
    return this.#watching.size
  }

  /** Sets the status of all services, and reports a change to all watchers. */
  set(status: 'SERVING' | 'NOT_SERVING'): void {
    if (status === this.#status) return
    this.#status = status
    for (const [call, service] of this.#watching) call.write({ status: this.#statusOf(service) })
  }

  /**
   * Ends every `Watch` with OK after its last status. A stream without an end would delay the
   * server's shutdown; clients ask again when it ends.
   */
  endWatches(): void {
    for (const call of this.#watching.keys()) call.end()
    this.#watching.clear()
  }

  /**
   * Adds the service to `server`.
   * @throws Error of grpc-js when it serves `grpc.health.v1.Health` already
   */
  addTo(server: Server): void {
    server.addService(healthServiceDefinition, {
      Check: (
        call: ServerUnaryCall<HealthCheckRequest, HealthCheckResponse>,
        callback: sendUnaryData<HealthCheckResponse>,
      ) => this.#check(call.request, callback),
      Watch: (call: WatchCall) => this.#watch(call),
    })
  }

  #statusOf(service: string): ServingStatus {
    return this.#services.has(service) ? this.#status : 'SERVICE_UNKNOWN'
  }

  #check({ service }: HealthCheckRequest, callback: sendUnaryData<HealthCheckResponse>): void {
    if (this.#services.has(service)) return callback(null, { status: this.#status })
    const known = [...this.#services].map((name) => JSON.stringify(name)).join(', ')
    callback({
      code: notFound,
      details: `unknown service ${JSON.stringify(service)}; expected ${known}`,
    })
  }

  #watch(call: WatchCall): void {
    const { service } = call.request
    // the protocol requires an immediate answer, also for services that may be added later
    call.write({ status: this.#statusOf(service) })
    this.#watching.set(call, service)
    const left = (): void => void this.#watching.delete(call)
    call.once('cancelled', left)
    call.once('error', left)
    call.once('close', left)
  }
}
