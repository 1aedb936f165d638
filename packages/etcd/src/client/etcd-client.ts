import type { Channel } from '@grpc/grpc-js'
import { abortable } from '@sd/core/driver'
import { Etcd3, type IDuplexStream } from 'etcd3'
import type { EtcdConfig } from '../config.ts'
import { isStaleToken } from '../errors.ts'
import { type Call, CallControl } from './call-control.ts'
import type { EtcdCredentials } from './etcd-credentials.ts'
import { etcdOptions } from './etcd-options.ts'

/** A bidirectional stream, and the token it was opened with. */
export interface OpenStream<Request, Response> {
  readonly stream: IDuplexStream<Request, Response>
  readonly token: string
}

/** What the clients of one connection share. */
export interface EtcdClientOptions {
  readonly config: EtcdConfig
  readonly credentials: EtcdCredentials
  /** The calls in flight: each client adds its own, so that the connection can cancel them all. */
  readonly inFlight: Set<CallControl>
}

/** One connection to one endpoint. Never reconnects to another one: a new client replaces it. */
export class EtcdClient {
  readonly endpoint: string
  readonly #etcd: Etcd3
  readonly #credentials: EtcdCredentials
  readonly #inFlight: Set<CallControl>
  readonly #closed = new AbortController()
  readonly #channels = new Set<Channel>()
  #login: Promise<string> | undefined
  #answers = 0

  /** `name` keeps this client's TCP connection apart from those of others, see `etcdOptions`. */
  constructor(options: EtcdClientOptions, endpoint: string, name: string) {
    this.endpoint = endpoint
    this.#etcd = new Etcd3(
      etcdOptions(options.config, endpoint, name, (channel) => this.#channels.add(channel)),
    )
    this.#credentials = options.credentials
    this.#inFlight = options.inFlight
  }

  /** Counts responses: if it is the same after a call as before it, nothing shows that the server is alive. */
  get answers(): number {
    return this.#answers
  }

  /** A stream's response arrived. */
  heard(): void {
    this.#answers++
  }

  /** Rejects with `signal.reason` on abort, and with etcd3's own error otherwise. */
  async unary<T>(call: Call<T>, signal: AbortSignal): Promise<T> {
    const token = await this.#token(signal)
    try {
      return await this.#once(call, token, signal)
    } catch (error) {
      // the server refuses a token before it looks at the request, so nothing is done twice
      if (signal.aborted || !this.#credentials.given || !isStaleToken(error)) throw error
      this.#credentials.drop(token)
      return this.#once(call, await this.#token(signal), signal)
    }
  }

  async open<Request, Response>(
    call: Call<IDuplexStream<Request, Response>>,
  ): Promise<OpenStream<Request, Response>> {
    const token = await this.#token(this.#closed.signal)
    const control = new CallControl(this.#headers(token))
    return { stream: await call(this.#etcd, control.options), token }
  }

  /** Takes no new calls. Calls and streams in flight go on; only a login is cancelled. */
  close(): void {
    this.#closed.abort(new Error('14 UNAVAILABLE: the client was closed'))
    for (const channel of this.#channels) channel.close()
    this.#etcd.close()
  }

  #headers(token: string): Readonly<Record<string, string>> {
    // makes a member that is cut off from the majority say so at once, on streams too
    return token === '' ? { hasleader: 'true' } : { hasleader: 'true', token }
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

  /** One login for all callers that wait: the server spends about 0.1 s of CPU on each. */
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
