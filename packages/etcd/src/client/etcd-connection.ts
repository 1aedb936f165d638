import type { SecureContext } from 'node:tls'
import type { DriverContext, RegistryError } from '@sd/core/driver'
import type { EtcdConfig } from '../config.ts'
import { etcdError, isStaleToken, isTlsRefusal, toRegistryError } from '../errors.ts'
import { EtcdClient, type OpenStream, type StreamEvents } from './etcd-client.ts'
import type { EtcdCredentials } from './etcd-credentials.ts'
import type { GrpcError } from './grpc/grpc-error.ts'
import type { Method } from './methods.ts'

/** A call that its caller aborts sooner than this is no evidence about the server. */
const silenceMs = 250

/** State that the connections of one driver share. */
export interface ConnectionOptions {
  readonly config: EtcdConfig
  readonly context: DriverContext
  readonly credentials: EtcdCredentials
  /** For `https:` endpoints. */
  readonly secureContext: SecureContext | undefined
  /** The driver's connections; each one adds itself. */
  readonly connections: Set<EtcdConnection>
}

/** A stream and its client. */
export interface ConnectionStream<Request> extends OpenStream<Request> {
  readonly client: EtcdClient
}

/**
 * One TCP connection for one purpose (calls, watches or heartbeats), so that a large list does not
 * delay a heartbeat. It keeps to one member while that member answers. After a failure, or an abort
 * without any response, the next call goes to the next endpoint on a new TCP connection.
 */
export class EtcdConnection {
  readonly #options: ConnectionOptions
  readonly #inFlight = new Set<() => void>()
  #index: number
  /** How many endpoints in a row have failed on a certificate. */
  #tlsRefusals = 0
  #client: EtcdClient | undefined
  /** Of the client before. */
  #lastSeen: string | undefined
  #closed = false

  constructor(options: ConnectionOptions) {
    const { context, config } = options
    this.#options = options
    options.connections.add(this)
    // distributes processes over the members
    this.#index = Math.floor(context.random.next() * config.endpoints.length)
  }

  /** What it last saw of a server, for messages; `undefined` where nothing is known. */
  get lastSeen(): string | undefined {
    return this.#client?.seen ?? this.#lastSeen
  }

  /** A unary call. Throws `RegistryError`, or `signal.reason`. */
  call<Request, Response>(
    operation: string,
    method: Method<Request, Response>,
    request: Request,
    signal: AbortSignal,
    service?: string,
  ): Promise<Response> {
    const suspect = (client: EtcdClient): void => this.suspect(client)
    const send = (client: EtcdClient): Promise<Response> => client.unary(method, request, signal)
    return this.#unary(operation, send, signal, suspect, service)
  }

  /**
   * A unary call that its caller gives up much sooner than the others, so it decides nothing for them:
   * a new connection alone takes several round trips. It leaves an unresponsive client only while no
   * other call waits for it, and no other connection of the driver leaves the member.
   */
  probe<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    signal: AbortSignal,
  ): Promise<Response> {
    const leave = (client: EtcdClient): void => {
      if (!client.busy) this.leave(client)
    }
    const send = (client: EtcdClient): Promise<Response> => client.unary(method, request, signal)
    return this.#unary('probe', send, signal, leave)
  }

  /**
   * Opens a stream; resolves with its callbacks, which `attach` returns. It keeps its client even
   * after the connection has moved to another one. Before `ended` is called, the client or the token
   * that is at fault has been left.
   */
  async open<Request, Response, Events extends StreamEvents<Response, RegistryError>>(
    operation: string,
    method: Method<Request, Response>,
    attach: (opened: ConnectionStream<Request>) => Events,
  ): Promise<Events> {
    const client = this.client(operation)
    try {
      const opened = await client.open(method, (stream: OpenStream<Request>) => {
        const events = attach({ ...stream, client })
        return {
          events,
          message: (response: Response) => events.message(response),
          ended: (cause: GrpcError) => {
            if (isStaleToken(cause)) this.#options.credentials.drop(stream.token)
            events.ended(this.#failure(client, cause, operation))
          },
        }
      })
      return opened.events
    } catch (error) {
      throw this.#failure(client, error, operation)
    }
  }

  /** Returns the current client, or creates one. Throws `closed` after `close`. */
  client(operation: string): EtcdClient {
    if (this.#closed) throw etcdError('closed', operation, 'the driver is closed')
    const { config, credentials, context, secureContext } = this.#options
    const endpoint = config.endpoints[this.#index % config.endpoints.length] ?? ''
    this.#client ??= new EtcdClient(endpoint, {
      credentials,
      secureContext,
      clock: context.clock,
      inFlight: this.#inFlight,
    })
    return this.#client
  }

  /** Returns a check whether `client` has received nothing from now on, for long enough. */
  silence(client: EtcdClient): () => boolean {
    const { clock } = this.#options.context
    const since = clock.monotonicMs()
    const { answers } = client
    return () => client.answers === answers && clock.monotonicMs() - since >= silenceMs
  }

  /**
   * Leaves the unresponsive member of `client` on every connection of the driver: a frozen member
   * is detected once, by the connection that calls most often. Streams are kept.
   */
  suspect(client: EtcdClient): void {
    const { config, connections } = this.#options
    this.leave(client)
    if (config.endpoints.length > 1)
      for (const connection of connections) connection.#avoid(client.endpoint)
  }

  /** Directs the next call to the next endpoint, unless `client` is no longer current. */
  leave(client: EtcdClient): void {
    if (this.#client !== client) return
    this.#client = undefined
    this.#lastSeen = client.seen
    this.#index++
    client.close()
  }

  /** Ends every call with `closed`. */
  close(): void {
    this.#closed = true
    this.#client?.close()
    this.#client = undefined
    for (const cancel of this.#inFlight) cancel()
  }

  async #unary<T>(
    operation: string,
    send: (client: EtcdClient) => Promise<T>,
    signal: AbortSignal,
    onSilence: (client: EtcdClient) => void,
    service?: string,
  ): Promise<T> {
    signal.throwIfAborted()
    const client = this.client(operation)
    const silent = this.silence(client)
    try {
      const answer = await send(client)
      this.#tlsRefusals = 0
      return answer
    } catch (error) {
      if (signal.aborted) {
        if (silent()) onSilence(client)
        throw signal.reason
      }
      throw this.#failure(client, error, operation, service)
    }
  }

  #avoid(endpoint: string): void {
    if (this.#client?.endpoint === endpoint) this.leave(this.#client)
  }

  /** Translates `cause` into an error. Leaves the client if that is at fault. */
  #failure(client: EtcdClient, cause: unknown, operation: string, service?: string): RegistryError {
    if (this.#closed) return etcdError('closed', operation, 'the driver is closed')
    const error = toRegistryError(cause, operation, service)
    if (isTlsRefusal(cause)) {
      this.leave(client)
      // one member's certificate may be wrong, and the others' right
      if (++this.#tlsRefusals < this.#options.config.endpoints.length)
        return etcdError('unavailable', operation, error.message, service)
    }
    if (error.code === 'unavailable' || error.code === 'timeout' || error.code === 'internal')
      this.leave(client)
    return error
  }
}
