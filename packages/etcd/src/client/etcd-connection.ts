import type { DriverContext, RegistryError } from '@sd/core/driver'
import type { IDuplexStream } from 'etcd3'
import type { EtcdConfig } from '../config.ts'
import { etcdError, isStaleToken, toRegistryError } from '../errors.ts'
import type { CallControl } from './call-control.ts'
import type { Call } from './call-control.ts'
import { EtcdClient, type OpenStream } from './etcd-client.ts'
import type { EtcdCredentials } from './etcd-credentials.ts'

/** A call aborted sooner says nothing about the server: its caller lost interest. */
const silenceMs = 250

/** What a connection is made of. */
export interface ConnectionParts {
  readonly config: EtcdConfig
  readonly context: DriverContext
  readonly credentials: EtcdCredentials
  /** The driver's lanes; each adds itself. */
  readonly lanes: Set<EtcdConnection>
}

/** A stream and where it came from. */
export interface LaneStream<Request, Response> extends OpenStream<Request, Response> {
  readonly client: EtcdClient
  /** What the stream's end means, after leaving the client or dropping the token that caused it. */
  readonly failed: (cause: unknown) => RegistryError
}

/**
 * A lane: one TCP connection for one purpose (calls, watches or heartbeats), so that a large list
 * does not delay a heartbeat. It stays with a member as long as that answers; a failure, or an
 * abort with nothing heard, makes the next call go to the next endpoint on a fresh connection.
 */
export class EtcdConnection {
  readonly #parts: ConnectionParts
  readonly #name: string
  readonly #live = new Set<CallControl>()
  #index: number
  #generation = 0
  #client: EtcdClient | undefined
  #closed = false

  constructor(lane: string, parts: ConnectionParts) {
    const { context, config } = parts
    this.#parts = parts
    parts.lanes.add(this)
    this.#name = `sd-etcd-${lane}-${context.random.id(8)}`
    // spreads processes over the members
    this.#index = Math.floor(context.random.next() * config.endpoints.length)
  }

  /** A unary call. Throws `RegistryError`, or `signal.reason`. */
  async call<T>(
    operation: string,
    call: Call<T>,
    signal: AbortSignal,
    service?: string,
  ): Promise<T> {
    signal.throwIfAborted()
    const client = this.client(operation)
    const silent = this.silence(client)
    try {
      return await client.unary(call, signal)
    } catch (error) {
      if (signal.aborted) {
        if (silent()) this.suspect(client)
        throw signal.reason
      }
      throw this.#failure(client, error, operation, service)
    }
  }

  /** Opens a stream. It stays with its client, whichever the lane moves on to. */
  async open<Request, Response>(
    operation: string,
    call: Call<IDuplexStream<Request, Response>>,
  ): Promise<LaneStream<Request, Response>> {
    const client = this.client(operation)
    try {
      const { stream, token } = await client.open(call)
      const failed = (cause: unknown): RegistryError => {
        if (isStaleToken(cause)) this.#parts.credentials.drop(token)
        return this.#failure(client, cause, operation)
      }
      return { stream, token, client, failed }
    } catch (error) {
      throw this.#failure(client, error, operation)
    }
  }

  /** The current client, made when there is none. Throws `closed` after `close`. */
  client(operation: string): EtcdClient {
    if (this.#closed) throw etcdError('closed', operation, 'the driver is closed')
    const { config, credentials } = this.#parts
    const endpoint = config.endpoints[this.#index % config.endpoints.length] ?? ''
    this.#client ??= new EtcdClient(
      { config, credentials, live: this.#live },
      endpoint,
      `${this.#name}-${this.#generation}`,
    )
    return this.#client
  }

  /** Tells, when asked later, whether `client` was silent since now, and for long enough to mean something. */
  silence(client: EtcdClient): () => boolean {
    const { clock } = this.#parts.context
    const since = clock.monotonicMs()
    const { answers } = client
    return () => client.answers === answers && clock.monotonicMs() - since >= silenceMs
  }

  /**
   * Its member was silent for too long: the next call of every lane goes elsewhere, so that each
   * frozen member is found out once, by the lane that asks most often. Streams stay where they are.
   */
  suspect(client: EtcdClient): void {
    const { config, lanes } = this.#parts
    this.leave(client)
    if (config.endpoints.length > 1) for (const lane of lanes) lane.#avoid(client.endpoint)
  }

  /** Makes the next call go to the next endpoint. Without effect when that has happened already. */
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
    for (const control of this.#live) control.cancel()
  }

  #avoid(endpoint: string): void {
    if (this.#client?.endpoint === endpoint) this.leave(this.#client)
  }

  /** What `cause` means, after leaving the client if that is at fault. */
  #failure(client: EtcdClient, cause: unknown, operation: string, service?: string): RegistryError {
    if (this.#closed) return etcdError('closed', operation, 'the driver is closed')
    const error = toRegistryError(cause, operation, service)
    if (error.code === 'unavailable' || error.code === 'timeout' || error.code === 'internal')
      this.leave(client)
    return error
  }
}
