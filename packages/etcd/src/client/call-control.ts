import {
  type CallOptions,
  InterceptingCall,
  type Interceptor,
  type Listener,
  status,
} from '@grpc/grpc-js'
import type { Etcd3 } from 'etcd3'

/** One call on a client; the options must be handed on to etcd3. */
export type Call<T> = (client: Etcd3, options: CallOptions) => Promise<T>

/**
 * etcd3 answers this refusal by sending the same call again at once, without end, as it takes the
 * token for its own. With other words in the status it passes the refusal on.
 */
const renamed = { from: 'etcdserver: invalid auth token', to: 'etcdserver: stale auth token' }

const listener: Listener = {
  onReceiveStatus: (received, next) =>
    next({ ...received, details: received.details.replace(renamed.from, renamed.to) }),
}

/**
 * Options for one gRPC call that let it be cancelled and give it its headers. etcd3's own calls
 * return a promise only; the public access to the call behind it is a gRPC interceptor.
 */
export class CallControl {
  readonly options: CallOptions
  #call: InterceptingCall | undefined
  #started = false
  #cancelled = false

  constructor(headers: Readonly<Record<string, string>>) {
    const interceptor: Interceptor = (options, nextCall) => {
      this.#call = new InterceptingCall(nextCall(options), {
        start: (metadata, _, next) => {
          for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
          next(metadata, listener)
          this.#started = true
          if (this.#cancelled) this.#cancelCall()
        },
      })
      return this.#call
    }
    this.options = { interceptors: [interceptor] }
  }

  /** Cancels the call, also at the server; its promise rejects soon after. Does nothing to an ended call. */
  cancel(): void {
    this.#cancelled = true
    if (this.#started) this.#cancelCall()
  }

  #cancelCall(): void {
    this.#call?.cancelWithStatus(status.CANCELLED, 'cancelled by its caller')
  }
}
