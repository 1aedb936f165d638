import type { sendUnaryData, Server, ServerUnaryCall, ServerWritableStream } from '@grpc/grpc-js'
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  healthServiceDefinition,
  type ServingStatus,
} from './health-protocol.ts'

type WatchCall = ServerWritableStream<HealthCheckRequest, HealthCheckResponse>

/** grpc-js is not imported for one number: a process may hold two copies of it. */
const notFound = 5

/**
 * `grpc.health.v1.Health` for the services that it is told of. It says the same of all of them:
 * a server serves, or it does not.
 */
export class HealthService {
  readonly #services: ReadonlySet<string>
  readonly #watching = new Map<WatchCall, string>()
  #status: 'SERVING' | 'NOT_SERVING' = 'NOT_SERVING'

  /** `services`: the names it answers for, besides the empty one, which stands for the whole server. */
  constructor(services: Iterable<string> = []) {
    this.#services = new Set(['', ...services])
  }

  /** What it says of the server now. `NOT_SERVING` until it is set. */
  get status(): 'SERVING' | 'NOT_SERVING' {
    return this.#status
  }

  /** How many calls of `Watch` are open. */
  get watchers(): number {
    return this.#watching.size
  }

  /** Sets the status of all services, and tells everybody who watches when that is a change. */
  set(status: 'SERVING' | 'NOT_SERVING'): void {
    if (status === this.#status) return
    this.#status = status
    for (const [call, service] of this.#watching) call.write({ status: this.#statusOf(service) })
  }

  /**
   * Ends every `Watch` with OK after what it was told last: a stream that never ends would hold up
   * the end of the server, and every client reads the end as a reason to ask again.
   */
  endWatches(): void {
    for (const call of this.#watching.keys()) call.end()
    this.#watching.clear()
  }

  /** Adds the service to `server`. @throws Error of grpc-js when it serves `grpc.health.v1.Health` already */
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
      details: `no health is kept for service ${JSON.stringify(service)}; it is for ${known}`,
    })
  }

  #watch(call: WatchCall): void {
    const { service } = call.request
    // the protocol answers at once, also for a service that may be added later
    call.write({ status: this.#statusOf(service) })
    this.#watching.set(call, service)
    const left = (): void => void this.#watching.delete(call)
    call.once('cancelled', left)
    call.once('error', left)
    call.once('close', left)
  }
}
