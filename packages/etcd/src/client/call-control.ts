import {
  type CallOptions,
  InterceptingCall,
  type Interceptor,
  type Listener,
  status,
} from '@grpc/grpc-js'
import type { Etcd3 } from 'etcd3'

/** One call on a client; it must pass the options on to etcd3. */
export type Call<T> = (client: Etcd3, options: CallOptions) => Promise<T>

/**
 * etcd3 reacts to this refusal by repeating the call at once, without end, because it assumes that
 * the token is its own. It passes the refusal on when the status has a different text.
 */
const renamed = { from: 'etcdserver: invalid auth token', to: 'etcdserver: stale auth token' }

const listener: Listener = {
  onReceiveStatus: (received, next) =>
    next({ ...received, details: received.details.replace(renamed.from, renamed.to) }),
}

/**
 * Options for one gRPC call that make it cancellable and set its headers. etcd3's own calls return
 * only a promise; a gRPC interceptor is the public access to the underlying call.
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
    this.#call?.cancelWithStatus(status.CANCELLED, 'cancelled by the caller')
  }
}
