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
export interface EtcdClientParts {
  readonly config: EtcdConfig
  readonly credentials: EtcdCredentials
  readonly live: Set<CallControl>
}

/** One connection to one endpoint. Never reconnects to another one: it is left for a new client. */
export class EtcdClient {
  readonly endpoint: string
  readonly #etcd: Etcd3
  readonly #credentials: EtcdCredentials
  readonly #live: Set<CallControl>
  readonly #left = new AbortController()
  readonly #channels = new Set<Channel>()
  #login: Promise<string> | undefined
  #answers = 0

  /** `live` collects the calls under way, so that whoever owns the connection can end them all. */
  constructor(parts: EtcdClientParts, endpoint: string, lane: string) {
    this.endpoint = endpoint
    this.#etcd = new Etcd3(
      etcdOptions(parts.config, endpoint, lane, (channel) => this.#channels.add(channel)),
    )
    this.#credentials = parts.credentials
    this.#live = parts.live
  }

  /** Counts what arrived: a call that ends while this stands still has no sign of a living server. */
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
      // refused before it was looked at, so that this is no retry of something that may have happened
      if (signal.aborted || !this.#credentials.given || !isStaleToken(error)) throw error
      this.#credentials.drop(token)
      return this.#once(call, await this.#token(signal), signal)
    }
  }

  async open<Request, Response>(
    call: Call<IDuplexStream<Request, Response>>,
  ): Promise<OpenStream<Request, Response>> {
    const token = await this.#token(this.#left.signal)
    const control = new CallControl(this.#headers(token))
    return { stream: await call(this.#etcd, control.options), token }
  }

  /** Takes no new calls. Calls and streams under way go on, but for a login nobody could reach any more. */
  close(): void {
    this.#left.abort(new Error('14 UNAVAILABLE: the connection was left'))
    for (const channel of this.#channels) channel.close()
    this.#etcd.close()
  }

  #headers(token: string): Readonly<Record<string, string>> {
    // a member cut off from the majority then says so at once, on streams too
    return token === '' ? { hasleader: 'true' } : { hasleader: 'true', token }
  }

  async #once<T>(call: Call<T>, token: string, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted()
    const control = new CallControl(this.#headers(token))
    const cancel = (): void => control.cancel()
    signal.addEventListener('abort', cancel, { once: true })
    this.#live.add(control)
    const work = call(this.#etcd, control.options).then((result) => {
      this.#answers++
      return result
    })
    try {
      return await abortable(work, signal)
    } finally {
      signal.removeEventListener('abort', cancel)
      this.#live.delete(control)
    }
  }

  /** One login for all that wait for it: the server spends about 0.1 s of CPU on each. */
  async #token(signal: AbortSignal): Promise<string> {
    const known = this.#credentials.token
    if (known !== undefined) return known
    this.#login ??= this.#credentials
      .login((call) => this.#once(call, '', this.#left.signal))
      .finally(() => {
        this.#login = undefined
      })
    return abortable(this.#login, signal)
  }
}
