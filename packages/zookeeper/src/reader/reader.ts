import { abortable, type DriverContext, RegistryError } from '@sd/core/driver'
import type { ZooKeeperConfig } from '../config.ts'
import { isCode, toRegistryError, zookeeperError } from '../errors.ts'
import { createRotation, ReaderConnection, type Rotation } from './reader-connection.ts'

/** How long the server is given to hear that the reader leaves. */
const goodbyeMs = 100

const closedError = (operation: string): RegistryError =>
  zookeeperError('closed', operation, 'the driver is closed')

/**
 * All reading of a driver goes over one connection of its own, so that heartbeats queue behind no
 * list. A connection with any trouble is dropped and what is on it fails; the next call makes
 * another one.
 */
export class Reader {
  readonly #config: ZooKeeperConfig
  readonly #context: DriverContext
  readonly #rotation: Rotation
  #current: ReaderConnection | undefined
  #closed = false

  constructor(config: ZooKeeperConfig, context: DriverContext) {
    this.#config = config
    this.#context = context
    this.#rotation = createRotation(config, context)
  }

  /** One call, on the connection there is or on a new one. Throws `RegistryError`, or `signal.reason`. */
  async call<T>(
    operation: string,
    signal: AbortSignal,
    work: (connection: ReaderConnection) => Promise<T>,
    service?: string,
  ): Promise<T> {
    signal.throwIfAborted()
    const connection = this.#connection(operation)
    const givenUp = connection.begin()
    try {
      return await abortable(
        connection.ready.then(() => work(connection)),
        signal,
      )
    } catch (cause) {
      if (signal.aborted) {
        givenUp()
        throw signal.reason
      }
      throw this.failure(connection, cause, operation, service)
    }
  }

  /** What a failure on `connection` means, after leaving it if it is at fault. */
  failure(
    connection: ReaderConnection,
    cause: unknown,
    operation: string,
    service?: string,
  ): RegistryError {
    if (this.#closed) return closedError(operation)
    const error = connection.lost.aborted
      ? toRegistryError(connection.lost.reason, operation, service)
      : toRegistryError(cause, operation, service)
    const { code, message } = error
    // a connection that broke is left already; any other refusal is about the call alone
    if (isCode(cause, 'SESSION_EXPIRED', 'SESSION_MOVED')) connection.leave(cause)
    // the session that is lost is none that anything was published under
    if (code !== 'session-lost') return error
    return new RegistryError('unavailable', {
      backend: error.backend,
      operation,
      service,
      message,
      cause,
    })
  }

  /** Ends every call and observation with `closed`. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#current?.end(closedError('close'), goodbyeMs)
    this.#current = undefined
  }

  #connection(operation: string): ReaderConnection {
    if (this.#closed) throw closedError(operation)
    if (this.#current === undefined || this.#current.lost.aborted)
      this.#current = new ReaderConnection(this.#config, this.#context, this.#rotation)
    return this.#current
  }
}
