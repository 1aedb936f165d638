import {
  type ClientReadableStream,
  credentials,
  makeClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  healthServiceDefinition,
} from '../../src/index.ts'

const Client = makeClientConstructor(healthServiceDefinition, 'grpc.health.v1.Health')

/** A client of `grpc.health.v1.Health`. */
export class HealthClient implements Disposable {
  readonly #client: InstanceType<typeof Client>

  constructor(address: string) {
    this.#client = new Client(address, credentials.createInsecure())
  }

  /** The serving status, or the status that the call failed with. */
  check(service = ''): Promise<string> {
    return new Promise((resolve) => {
      this.#client['Check']?.(
        { service } satisfies HealthCheckRequest,
        (error: ServiceError | null, response?: HealthCheckResponse) =>
          resolve(
            error === null ? `${response?.status}` : `${status[error.code]}: ${error.details}`,
          ),
      )
    })
  }

  /** The received statuses, in order; the last entry is the final status of the stream. */
  watch(service = ''): { readonly told: string[]; cancel(): void } {
    const told: string[] = []
    const call = this.#client['Watch']?.({
      service,
    } satisfies HealthCheckRequest) as ClientReadableStream<HealthCheckResponse>
    call.on('data', (response: HealthCheckResponse) => told.push(response.status))
    call.on('error', () => {})
    call.on('status', ({ code }) => told.push(status[code]))
    return { told, cancel: () => call.cancel() }
  }

  [Symbol.dispose](): void {
    this.#client.close()
  }
}
