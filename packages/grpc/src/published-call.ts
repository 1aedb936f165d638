import { rpcChannel, type RpcEvent, type RpcMetadata } from './rpc-events.ts'

/** What a call leads to. */
export interface CallTarget {
  /** The service's name in the registry. */
  readonly service: string
  readonly authority: string
}

/** A call whose progress is published on `sd:rpc`. */
export class PublishedCall {
  readonly #facts: Pick<RpcEvent, 'service' | 'method'>
  #attempts = 0
  #ended = false

  /** Publishes the start, in the caller's asynchronous context. `path`: `/orders.v1.Orders/Get`. */
  constructor({ service, authority }: CallTarget, path: string, metadata: RpcMetadata) {
    this.#facts = { service, method: path.replace(/^\//, '') }
    this.#publish('start', { authority, metadata })
  }

  picked(instance: string, endpoint: string): void {
    this.#attempts += 1
    this.#publish('pick', { instance, endpoint })
  }

  /** The call has ended with this status. Only the first call counts. */
  ended(code: number, details: string): void {
    if (this.#ended) return
    this.#ended = true
    this.#publish('end', { code, details })
  }

  #publish(
    event: RpcEvent['event'],
    details: Omit<Partial<RpcEvent>, 'event' | 'attempt' | 'call'>,
  ): void {
    rpcChannel.publish({
      event,
      backend: 'grpc',
      ...this.#facts,
      call: this,
      attempt: this.#attempts,
      ...details,
    } satisfies RpcEvent)
  }
}
