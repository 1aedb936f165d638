import type { Channel } from '@grpc/grpc-js'
import { abortable } from '@sd/core/driver'
import { Etcd3, type IDuplexStream } from 'etcd3'
import type { EtcdConfig } from '../config.ts'
import { isStaleToken } from '../errors.ts'
import { type Call, CallControl } from './call-control.ts'
import type { EtcdCredentials } from './etcd-credentials.ts'
import { etcdOptions } from './etcd-options.ts'

/** A bidirectional stream and the token that opened it. */
export interface OpenStream<Request, Response> {
  readonly stream: IDuplexStream<Request, Response>
  readonly token: string
}

/** State that the clients of one connection share. */
export interface EtcdClientOptions {
  readonly config: EtcdConfig
  readonly credentials: EtcdCredentials
  /** The calls in flight: each client adds its own, so that the connection can cancel them all. */
  readonly inFlight: Set<CallControl>
}

/** One connection to one endpoint. Never moves to another endpoint: a new client replaces it. */
export class EtcdClient {
  readonly endpoint: string
  readonly #etcd: Etcd3
  readonly #credentials: EtcdCredentials
  readonly #inFlight: Set<CallControl>
  readonly #closed = new AbortController()
  readonly #channels = new Set<Channel>()
  #login: Promise<string> | undefined
  #answers = 0
  #calls = 0

  /** `name` keeps this client's TCP connection apart from those of others, see `etcdOptions`. */
  constructor(options: EtcdClientOptions, endpoint: string, name: string) {
    this.endpoint = endpoint
    this.#etcd = new Etcd3(
      etcdOptions(options.config, endpoint, name, (channel) => this.#channels.add(channel)),
    )
    this.#credentials = options.credentials
    this.#inFlight = options.inFlight
  }

  /** Counts responses. A call without one is no evidence that the server is alive. */
  get answers(): number {
    return this.#answers
  }

  /** Whether any unary call waits for its answer. */
  get busy(): boolean {
    return this.#calls > 0
  }

  /** Counts a response that arrived on a stream. */
  heard(): void {
    this.#answers++
  }

  /** Rejects with `signal.reason` on abort, and with etcd3's own error otherwise. */
  async unary<T>(call: Call<T>, signal: AbortSignal): Promise<T> {
    this.#calls++
    try {
      return await this.#unary(call, signal)
    } finally {
      this.#calls--
    }
  }

  async open<Request, Response>(
    call: Call<IDuplexStream<Request, Response>>,
  ): Promise<OpenStream<Request, Response>> {
    const token = await this.#token(this.#closed.signal)
    const control = new CallControl(this.#headers(token))
    return { stream: await call(this.#etcd, control.options), token }
  }

  /** Accepts no new calls. Calls and streams in flight continue; only a login is cancelled. */
  close(): void {
    this.#closed.abort(new Error('14 UNAVAILABLE: the client was closed'))
    for (const channel of this.#channels) channel.close()
    this.#etcd.close()
  }

  #headers(token: string): Readonly<Record<string, string>> {
    // makes a member that is cut off from the majority fail at once, on streams too
    return token === '' ? { hasleader: 'true' } : { hasleader: 'true', token }
  }

  async #unary<T>(call: Call<T>, signal: AbortSignal): Promise<T> {
    const token = await this.#token(signal)
    try {
      return await this.#once(call, token, signal)
    } catch (error) {
      // the server checks the token before it executes the request, so a repeat is safe
      if (signal.aborted || !this.#credentials.given || !isStaleToken(error)) throw error
      this.#credentials.drop(token)
      return this.#once(call, await this.#token(signal), signal)
    }
  }

  async #once<T>(call: Call<T>, token: string, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted()
    const control = new CallControl(this.#headers(token))
    const cancel = (): void => control.cancel()
    signal.addEventListener('abort', cancel, { once: true })
    this.#inFlight.add(control)
    const work = call(this.#etcd, control.options).then((result) => {
      this.#answers++
      return result
    })
    try {
      return await abortable(work, signal)
    } finally {
      signal.removeEventListener('abort', cancel)
      this.#inFlight.delete(control)
    }
  }

  /** Shares one login among all waiting callers: each costs the server about 0.1 s of CPU. */
  async #token(signal: AbortSignal): Promise<string> {
    const known = this.#credentials.token
    if (known !== undefined) return known
    this.#login ??= this.#credentials
      .login((call) => this.#once(call, '', this.#closed.signal))
      .finally(() => {
        this.#login = undefined
      })
    return abortable(this.#login, signal)
  }
}
