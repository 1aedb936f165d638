import type { SecureContext } from 'node:tls'
import { abortable, type Clock } from '@sd/core/driver'
import { isStaleToken } from '../errors.ts'
import { MessageReader } from './codec/message-reader.ts'
import { MessageWriter } from './codec/message-writer.ts'
import type { EtcdCredentials } from './etcd-credentials.ts'
import { GrpcCall } from './grpc/grpc-call.ts'
import { GrpcError } from './grpc/grpc-error.ts'
import { type Headers, Link } from './grpc/link.ts'
import { prefixBytes, withPrefix } from './grpc/message-frames.ts'
import type { Method } from './methods.ts'

/** Callbacks of a stream. None is called after `cancel` or `ended`. */
export interface StreamEvents<Response, Failure> {
  /** Whatever it throws ends the stream. */
  message(response: Response): void
  ended(error: Failure): void
}

/** A stream of messages in both directions. */
export interface MessageStream<Request> {
  send(request: Request): void
  /** Ends it, also at the server. */
  cancel(): void
}

/** A bidirectional stream and the token that opened it. */
export interface OpenStream<Request> {
  readonly stream: MessageStream<Request>
  readonly token: string
}

/** State that the clients of one connection share. */
export interface EtcdClientOptions {
  readonly credentials: EtcdCredentials
  /** For `https:` endpoints. */
  readonly secureContext: SecureContext | undefined
  readonly clock: Clock
  /** Ends every unary call of the clients: each one adds what cancels it. */
  readonly inFlight: Set<() => void>
}

const frameOf = <Request>({ write }: Method<Request, unknown>, request: Request): Buffer => {
  const writer = new MessageWriter(prefixBytes)
  write(writer, request)
  return withPrefix(writer.finish())
}

/** One connection to one endpoint. Never moves to another endpoint: a new client replaces it. */
export class EtcdClient {
  readonly endpoint: string
  readonly #options: EtcdClientOptions
  readonly #credentials: EtcdCredentials
  readonly #closed = new AbortController()
  #link: Link | undefined
  #login: Promise<string> | undefined
  #answers = 0
  #calls = 0

  constructor(endpoint: string, options: EtcdClientOptions) {
    this.endpoint = endpoint
    this.#options = options
    this.#credentials = options.credentials
  }

  /** Counts responses. A call without one is no evidence that the server is alive. */
  get answers(): number {
    return this.#answers
  }

  /** What the server does, for messages; `undefined` before the first call. */
  get seen(): string | undefined {
    return this.#link?.seen
  }

  /** Whether any unary call waits for its answer. */
  get busy(): boolean {
    return this.#calls > 0
  }

  /** Rejects with `signal.reason` on abort, and with `GrpcError` otherwise. */
  async unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    signal: AbortSignal,
  ): Promise<Response> {
    this.#calls++
    try {
      return await this.#unary(method, request, signal)
    } finally {
      this.#calls--
    }
  }

  /** Opens a stream; resolves with its callbacks, which `attach` returns. Rejects with `GrpcError`. */
  async open<Request, Response, Events extends StreamEvents<Response, GrpcError>>(
    method: Method<Request, Response>,
    attach: (opened: OpenStream<Request>) => Events,
  ): Promise<Events> {
    const token = await this.#token(this.#closed.signal)
    const call = new GrpcCall(this.#open(), this.#headers(method.path, token), {
      message: (bytes) => {
        this.#answers++
        events.message(method.read(new MessageReader(bytes)))
      },
      ended: (error) =>
        events.ended(
          error ?? new GrpcError('UNAVAILABLE', this.endpoint, 'the server ended the stream'),
        ),
    })
    const stream = {
      send: (request: Request) => call.write(frameOf(method, request)),
      cancel: () => call.cancel(),
    }
    const events = attach({ stream, token })
    return events
  }

  /** Accepts no new calls. Calls and streams in flight continue; only a login is cancelled. */
  close(): void {
    this.#closed.abort(this.#closedError())
    this.#link?.close()
  }

  #closedError(): GrpcError {
    return new GrpcError('UNAVAILABLE', this.endpoint, 'the client was closed')
  }

  /** The connection, dialled again if it has ended. */
  #open(): Link {
    if (this.#closed.signal.aborted) throw this.#closedError()
    const { secureContext, clock } = this.#options
    if (this.#link?.isOpen !== true) this.#link = new Link(this.endpoint, secureContext, clock)
    return this.#link
  }

  #headers(path: string, token: string): Headers {
    return {
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': 'sd-etcd',
      // makes a member that is cut off from the majority fail at once, on streams too
      hasleader: 'true',
      ...(token === '' ? {} : { token }),
    }
  }

  async #unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    signal: AbortSignal,
  ): Promise<Response> {
    const token = await this.#token(signal)
    try {
      return await this.#once(method, request, token, signal)
    } catch (error) {
      // the server checks the token before it executes the request, so a repeat is safe
      if (signal.aborted || !this.#credentials.given || !isStaleToken(error)) throw error
      this.#credentials.drop(token)
      return this.#once(method, request, await this.#token(signal), signal)
    }
  }

  #once<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    token: string,
    signal: AbortSignal,
  ): Promise<Response> {
    const { inFlight } = this.#options
    return new Promise((resolve, reject) => {
      signal.throwIfAborted()
      const frame = frameOf(method, request)
      let response: { readonly value: Response } | undefined
      const over = (): void => {
        signal.removeEventListener('abort', abort)
        inFlight.delete(cancel)
      }
      const call = new GrpcCall(this.#open(), this.#headers(method.path, token), {
        message: (bytes) => {
          response = { value: method.read(new MessageReader(bytes)) }
        },
        ended: (error) => {
          over()
          if (error) return reject(error)
          if (!response)
            return reject(new GrpcError('INTERNAL', this.endpoint, 'the server sent no message'))
          this.#answers++
          resolve(response.value)
        },
      })
      const stop = (reason: unknown): void => {
        over()
        call.cancel()
        reject(reason)
      }
      const abort = (): void => stop(signal.reason)
      const cancel = (): void => stop(this.#closedError())
      signal.addEventListener('abort', abort, { once: true })
      inFlight.add(cancel)
      call.end(frame)
    })
  }

  /** Shares one login among all waiting callers: each costs the server about 0.1 s of CPU. */
  async #token(signal: AbortSignal): Promise<string> {
    const known = this.#credentials.token
    if (known !== undefined) return known
    this.#login ??= this.#credentials
      .login((method, request) => this.#once(method, request, '', this.#closed.signal))
      .finally(() => {
        this.#login = undefined
      })
    return abortable(this.#login, signal)
  }
}
