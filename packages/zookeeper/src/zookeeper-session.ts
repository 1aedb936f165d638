import {
  abortable,
  type Audit,
  type DriverContext,
  type DriverSession,
  type OwnedRef,
  type PutOutcome,
  type PutRequest,
  type RegistryError,
  type RemoveOutcome,
} from '@sd/core/driver'
import type { ZooKeeperClient } from './client/zookeeper-client.ts'
import { isCode, toRegistryError, zookeeperError } from './errors.ts'
import { heartbeat } from './heartbeat.ts'
import type { Keys } from './keys.ts'
import type { Reader } from './reader/reader.ts'
import { auditBatch } from './session/audit-batch.ts'
import { putBatch } from './session/put-batch.ts'
import { removeBatch } from './session/remove-batch.ts'
import { commonService, type SessionState, type Written } from './session/session-state.ts'
import { Turns } from './session/turns.ts'

/** What a session is made of. */
export interface SessionParts {
  readonly keys: Keys
  readonly clock: DriverContext['clock']
  /** Tells whether a server answers, once this session's own client is gone. */
  readonly reader: Reader
  /** The driver's sessions; a session adds itself, and leaves once it is over. */
  readonly sessions: Map<string, ZooKeeperSession>
}

/** One ZooKeeper session on a connection of its own, whose ephemeral nodes are all that was written. */
export class ZooKeeperSession implements DriverSession {
  /** Hexadecimal, as ZooKeeper's own tools show it. */
  readonly id: string
  readonly grantedTtlMs: number
  readonly #parts: SessionParts
  readonly #client: ZooKeeperClient
  readonly #state: SessionState
  readonly #lost = new AbortController()
  readonly #abandoned = new AbortController()
  #answers = 0
  #closing: Promise<void> | undefined
  #answeringSinceMs: number | undefined
  #over = false

  /** `client` is connected. */
  constructor(client: ZooKeeperClient, parts: SessionParts) {
    this.id = client.sessionId
    this.grantedTtlMs = client.sessionTimeoutMs
    this.#parts = parts
    this.#client = client
    this.#state = {
      client,
      keys: parts.keys,
      id: this.id,
      ownSessions: parts.sessions.set(this.id, this),
      written: new Map<string, Written>(),
      turns: new Turns(),
    }
    const ended = (): void => this.#lost.abort(this.#endOf('renew'))
    if (client.ended.aborted) ended()
    else client.ended.addEventListener('abort', ended, { once: true })
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  async renew(signal: AbortSignal): Promise<void> {
    const answers = this.#answers
    const { clock } = this.#parts
    const sinceMs = clock.monotonicMs()
    try {
      await this.#call('renew', signal, () => heartbeat(this.#client, signal))
    } catch (error) {
      // a server that lets a heartbeat hang, and answers nothing else, is left within the session;
      // given up sooner, it says nothing about the server
      const hung = signal.aborted && clock.monotonicMs() - sinceMs >= this.grantedTtlMs / 10
      if (hung && answers === this.#answers) this.#client.reconnect()
      throw error
    }
  }

  put(requests: readonly PutRequest[], signal: AbortSignal): Promise<readonly PutOutcome[]> {
    const service = commonService(requests.map(({ instance }) => instance.service))
    return this.#call('put', signal, () => putBatch(this.#state, requests, signal), service)
  }

  remove(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly RemoveOutcome[]> {
    const service = commonService(refs.map((ref) => ref.service))
    return this.#call('remove', signal, () => removeBatch(this.#state, refs, signal), service)
  }

  audit(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly Audit[]> {
    const service = commonService(refs.map((ref) => ref.service))
    return this.#call('audit', signal, () => auditBatch(this.#state, refs, signal), service)
  }

  /**
   * Resolves when a server has confirmed the end of the session. Where none could until the client
   * gave up, resolves a ttl after servers answer again: a frozen one may, as it thaws, still take
   * what waits in its sockets, and then keep the session for one more ttl.
   */
  async close(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#over) return
    // not under `signal`: it goes on trying between the calls
    this.#closing ??= this.#client.close(this.#abandoned.signal)
    this.#closing.catch(() => {})
    try {
      await abortable(this.#closing, signal)
    } catch (cause) {
      if (signal.aborted) throw signal.reason
      throw this.#failure(cause, 'close')
    }
    if (isCode(this.#client.ended.reason, 'OPERATION_TIMEOUT')) await this.#waitOut(signal)
    this.#over = true
    this.#parts.sessions.delete(this.id)
  }

  /** Lets go of the client without telling the server: the session runs out by itself. */
  abandon(): void {
    const closed = zookeeperError('closed', 'close', 'the driver is closed')
    this.#abandoned.abort(closed)
    this.#client.close(this.#abandoned.signal).catch(() => {})
  }

  async #waitOut(signal: AbortSignal): Promise<void> {
    const { reader, clock } = this.#parts
    await reader.call('close', signal, (connection) => connection.barrier(signal))
    const nowMs = clock.monotonicMs()
    this.#answeringSinceMs ??= nowMs
    const leftMs = this.#answeringSinceMs + 1.5 * this.grantedTtlMs - nowMs
    if (leftMs <= 0) return
    const message = `the session ${this.id} may live on for ${Math.ceil(leftMs)} ms`
    throw zookeeperError('unavailable', 'close', message)
  }

  async #call<T>(
    operation: string,
    signal: AbortSignal,
    work: () => Promise<T>,
    service?: string,
  ): Promise<T> {
    signal.throwIfAborted()
    try {
      const result = await abortable(work(), signal)
      this.#answers++
      return result
    } catch (cause) {
      if (signal.aborted) throw signal.reason
      throw this.#failure(cause, operation, service)
    }
  }

  #failure(cause: unknown, operation: string, service?: string): RegistryError {
    if (this.#abandoned.signal.aborted)
      return zookeeperError('closed', operation, 'the driver is closed')
    if (this.#client.ended.aborted) return this.#endOf(operation, service)
    const error = toRegistryError(cause, operation, service)
    if (error.code === 'session-lost') this.#lost.abort(error)
    return error
  }

  /** Why the client has ended. */
  #endOf(operation: string, service?: string): RegistryError {
    const { reason } = this.#client.ended
    if (isCode(reason, 'AUTH_FAILED')) return toRegistryError(reason, operation, service)
    const message = reason instanceof Error ? reason.message : String(reason)
    return zookeeperError('session-lost', operation, message, service)
  }
}
