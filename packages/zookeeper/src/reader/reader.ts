import { abortable, type DriverContext, messageOf, RegistryError } from '@sd/core/driver'
import type { ZooKeeperConfig } from '../config.ts'
import type { LastSeen } from '../client/zookeeper-client.ts'
import type { ReleaseCheck } from '../client/release-check.ts'
import { isCode } from '../client/zookeeper-error.ts'
import { backend, toRegistryError, zookeeperError } from '../errors.ts'
import { createRotation, ReaderConnection, type Rotation } from './reader-connection.ts'

/** How long closing waits for the server to end the reader's session. */
const closeTimeoutMs = 100

const closedError = (operation: string): RegistryError =>
  zookeeperError('closed', operation, 'the driver is closed')

/**
 * All reads of a driver, over a separate connection, so that no heartbeat waits behind a list. After
 * any failure the connection is dropped and everything on it fails; the next call makes another.
 */
export class Reader {
  readonly #config: ZooKeeperConfig
  readonly #context: DriverContext
  readonly #rotation: Rotation
  readonly #release: ReleaseCheck
  #current: ReaderConnection | undefined
  #closed = false

  constructor(config: ZooKeeperConfig, context: DriverContext, release: ReleaseCheck) {
    this.#config = config
    this.#release = release
    this.#context = context
    this.#rotation = createRotation(config, context)
  }

  /** Makes a call on the current or a new connection. Throws `RegistryError`, or `signal.reason`. */
  async call<T>(
    operation: string,
    signal: AbortSignal,
    work: (connection: ReaderConnection) => Promise<T>,
    service?: string,
  ): Promise<T> {
    signal.throwIfAborted()
    const connection = this.#connection(operation)
    const onGivenUp = connection.begin()
    try {
      return await abortable(
        connection.run(() => work(connection)),
        signal,
      )
    } catch (cause) {
      if (signal.aborted) {
        onGivenUp()
        throw signal.reason
      }
      throw this.failure(connection, cause, operation, service)
    }
  }

  /** The `RegistryError` for a failure on `connection`. Drops the connection if it caused the failure. */
  failure(
    connection: ReaderConnection,
    cause: unknown,
    operation: string,
    service?: string,
  ): RegistryError {
    if (this.#closed) return closedError(operation)
    // a server hangs up after it has refused an operation that it does not know
    const isLost = connection.lost.aborted && !isCode(cause, 'UNIMPLEMENTED')
    const reason: unknown = isLost ? connection.lost.reason : cause
    const error = toRegistryError(reason, operation, service)
    // a broken connection was dropped already; any other refusal concerns the call alone
    if (isCode(cause, 'SESSION_EXPIRED', 'SESSION_MOVED')) connection.leave(cause)
    if (error.code !== 'session-lost') return error
    // no record was written under the reader's session, so its end loses nothing
    const message = messageOf(error.cause)
    return new RegistryError('unavailable', {
      backend,
      operation,
      service,
      message,
      cause: error.cause,
    })
  }

  /** `undefined` without a connection. */
  get lastSeen(): LastSeen | undefined {
    return this.#current?.lost.aborted === false ? this.#current.lastSeen : undefined
  }

  /** Ends every call and observation with `closed`. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#current?.end(closedError('close'), closeTimeoutMs)
    this.#current = undefined
  }

  #connection(operation: string): ReaderConnection {
    if (this.#closed) throw closedError(operation)
    if (this.#current === undefined || this.#current.lost.aborted)
      this.#current = new ReaderConnection(
        this.#config,
        this.#context,
        this.#rotation,
        this.#release,
      )
    return this.#current
  }
}
