import type { DriverContext, RegistryError } from '@sd/core/driver'
import type { IDuplexStream } from 'etcd3'
import type { EtcdConfig } from '../config.ts'
import { etcdError, isStaleToken, isTlsRefusal, toRegistryError } from '../errors.ts'
import type { Call, CallControl } from './call-control.ts'
import { EtcdClient, type OpenStream } from './etcd-client.ts'
import type { EtcdCredentials } from './etcd-credentials.ts'

/** A call that its caller aborts sooner than this is no evidence about the server. */
const silenceMs = 250

/** State that the connections of one driver share. */
export interface ConnectionOptions {
  readonly config: EtcdConfig
  readonly context: DriverContext
  readonly credentials: EtcdCredentials
  /** The driver's connections; each one adds itself. */
  readonly connections: Set<EtcdConnection>
}

/** A stream and its client. */
export interface ConnectionStream<Request, Response> extends OpenStream<Request, Response> {
  readonly client: EtcdClient
  /** Translates the cause of a stream's end. Leaves the client, or drops the token, at fault. */
  readonly failed: (cause: unknown) => RegistryError
}

/**
 * One TCP connection for one purpose (calls, watches or heartbeats), so that a large list does not
 * delay a heartbeat. It keeps to one member while that member answers. After a failure, or an abort
 * without any response, the next call goes to the next endpoint on a new TCP connection.
 */
export class EtcdConnection {
  readonly #options: ConnectionOptions
  readonly #name: string
  readonly #inFlight = new Set<CallControl>()
  #index: number
  #generation = 0
  /** How many endpoints in a row have failed on a certificate. */
  #tlsRefusals = 0
  #client: EtcdClient | undefined
  #closed = false

  constructor(purpose: string, options: ConnectionOptions) {
    const { context, config } = options
    this.#options = options
    options.connections.add(this)
    this.#name = `sd-etcd-${purpose}-${context.random.id(8)}`
    // distributes processes over the members
    this.#index = Math.floor(context.random.next() * config.endpoints.length)
  }

  /** A unary call. Throws `RegistryError`, or `signal.reason`. */
  call<T>(operation: string, call: Call<T>, signal: AbortSignal, service?: string): Promise<T> {
    const suspect = (client: EtcdClient): void => this.suspect(client)
    return this.#unary(operation, call, signal, suspect, service)
  }

  /**
   * A unary call that its caller gives up much sooner than the others, so it decides nothing for them:
   * a new connection alone takes several round trips. It leaves an unresponsive client only while no
   * other call waits for it, and no other connection of the driver leaves the member.
   */
  probe<T>(call: Call<T>, signal: AbortSignal): Promise<T> {
    return this.#unary('probe', call, signal, (client) => {
      if (!client.busy) this.leave(client)
    })
  }

  /** Opens a stream. It keeps its client even after the connection has moved to another one. */
  async open<Request, Response>(
    operation: string,
    call: Call<IDuplexStream<Request, Response>>,
  ): Promise<ConnectionStream<Request, Response>> {
    const client = this.client(operation)
    try {
      const { stream, token } = await client.open(call)
      const failed = (cause: unknown): RegistryError => {
        if (isStaleToken(cause)) this.#options.credentials.drop(token)
        return this.#failure(client, cause, operation)
      }
      return { stream, token, client, failed }
    } catch (error) {
      throw this.#failure(client, error, operation)
    }
  }

  /** Returns the current client, or creates one. Throws `closed` after `close`. */
  client(operation: string): EtcdClient {
    if (this.#closed) throw etcdError('closed', operation, 'the driver is closed')
    const { config, credentials } = this.#options
    const endpoint = config.endpoints[this.#index % config.endpoints.length] ?? ''
    this.#client ??= new EtcdClient(
      { config, credentials, inFlight: this.#inFlight },
      endpoint,
      `${this.#name}-${this.#generation}`,
    )
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
    this.#index++
    this.#generation++
    client.close()
  }

  /** Ends every call with `closed`. */
  close(): void {
    this.#closed = true
    this.#client?.close()
    this.#client = undefined
    for (const control of this.#inFlight) control.cancel()
  }

  async #unary<T>(
    operation: string,
    call: Call<T>,
    signal: AbortSignal,
    onSilence: (client: EtcdClient) => void,
    service?: string,
  ): Promise<T> {
    signal.throwIfAborted()
    const client = this.client(operation)
    const silent = this.silence(client)
    try {
      const answer = await client.unary(call, signal)
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
