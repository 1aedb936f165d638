import {
  abortable,
  type Audit,
  commonService,
  type DriverSession,
  type OwnedRef,
  type PutOutcome,
  type PutRequest,
  type RecordKey,
  type RegistryError,
  type RemoveOutcome,
  withDeadline,
} from '@sd/core/driver'
import type { LastSeen, ZooKeeperClient } from './client/zookeeper-client.ts'
import { isCode } from './client/zookeeper-error.ts'
import { backend, toRegistryError, zookeeperError } from './errors.ts'
import { ParentVersions } from './session/parent-versions.ts'
import type { PartContext, SessionPart } from './session/session-part.ts'
import { type ConnectPart, SessionParts } from './session/session-parts.ts'
import { SessionRecords } from './session/session-records.ts'

/** State that the sessions of one driver share. */
export interface SessionContext extends PartContext {
  /**
   * The driver's sessions, by the ids of the ZooKeeper sessions they consist of. A session adds its
   * parts, and removes them once they are over.
   */
  readonly sessions: Map<string, ZooKeeperSession>
}

/**
 * A session of core: one ZooKeeper session, or several where the paths of its records take more than
 * `maxPathBytes`. A part that ends by itself takes only its own records with it. Core then audits, and
 * writes them again, in the other parts. The session is lost with its last part.
 */
export class ZooKeeperSession implements DriverSession {
  /** The id of the first part: hexadecimal, as ZooKeeper's own tools show it. */
  readonly id: string
  readonly grantedTtlMs: number
  /** Of the part that was renewed last. Exists where a worker thread renews as well. */
  readonly renewedMs?: () => number
  readonly #context: SessionContext
  readonly #parts: SessionParts
  readonly #records: SessionRecords
  readonly #lost = new AbortController()
  readonly #abandoned = new AbortController()
  #onPartLost: (() => void) | undefined
  #loss: unknown
  #closing = false
  #over = false

  /** `client` is connected; `connect` opens further ZooKeeper sessions. */
  constructor(client: ZooKeeperClient, connect: ConnectPart, context: SessionContext) {
    const { keys, sessions } = context
    this.id = client.sessionId
    this.grantedTtlMs = client.sessionTimeoutMs
    this.#context = context
    const parentVersions = new ParentVersions()
    this.#parts = new SessionParts(context, connect, {
      added: (part) => {
        sessions.set(part.id, this)
        // the next server may have been restored from a backup
        part.client.onState(() => parentVersions.clear())
      },
      lost: (part) => this.#partLost(part),
    })
    this.#parts.add(client)
    if (client.kept !== undefined)
      this.renewedMs = () =>
        Math.max(...this.#parts.live.map(({ client: { kept } }) => kept?.renewedMs ?? -Infinity))
    this.#records = new SessionRecords({
      id: this.id,
      keys,
      parts: this.#parts,
      parentVersions,
      isOwn: (id) => sessions.has(id),
    })
  }

  get lastSeen(): readonly LastSeen[] {
    return this.#parts.live.map(({ client }) => client.lastSeen)
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  onPartLost(listener: () => void): void {
    this.#onPartLost = listener
  }

  /**
   * Resolves when a part has answered. A part without a connection is left to its client, which reconnects
   * or ends it by the local clock, and one that answers nothing moves to another connection: the others
   * are alive without it.
   */
  renew(signal: AbortSignal): Promise<void> {
    return this.#call('renew', signal, async () => {
      const { live } = this.#parts
      const connected = live.filter(({ isConnected }) => isConnected)
      const beating = connected.length === 0 ? live : connected
      const [only, another] = beating
      if (another === undefined) return only?.renew(signal)
      const { clock } = this.#context
      const limitMs = this.grantedTtlMs / 3
      const beats = beating.map((part) => {
        const lastSeen = (): string => part.client.lastSeen.text
        const subject = { backend, operation: 'renew', lastSeen }
        return withDeadline(clock, limitMs, this.#abandoned.signal, subject, (under) =>
          part.renew(under),
        )
      })
      try {
        await Promise.any(beats)
      } catch (error) {
        throw error instanceof AggregateError ? error.errors[0] : error
      }
    })
  }

  put(requests: readonly PutRequest[], signal: AbortSignal): Promise<readonly PutOutcome[]> {
    const service = commonService(requests.map(({ instance }) => instance))
    // the client of an ending session still counts as connecting
    if (this.#closing && !this.#abandoned.signal.aborted && !signal.aborted)
      return Promise.reject(
        zookeeperError('session-lost', 'put', 'the session was closed', service),
      )
    return this.#call('put', signal, () => this.#records.put(requests, signal), service)
  }

  remove(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly RemoveOutcome[]> {
    const work = () => this.#records.remove(refs, signal)
    return this.#call('remove', signal, work, commonService(refs))
  }

  audit(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly Audit[]> {
    const work = () => this.#records.audit(refs, signal)
    return this.#call('audit', signal, work, commonService(refs))
  }

  removeStrays(signal: AbortSignal): Promise<readonly RecordKey[]> {
    return this.#call('audit', signal, () => this.#records.removeStrays(signal))
  }

  /** Ends every part; see `SessionPart.close`. */
  async close(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#over) return
    this.#closing = true
    const { sessions } = this.#context
    try {
      await abortable(
        this.#parts.end(zookeeperError('closed', 'put', 'the session was closed')),
        signal,
      )
      const ends = await Promise.allSettled(
        this.#parts.all.map(async (part) => {
          await abortable(part.close(signal), signal)
          sessions.delete(part.id)
        }),
      )
      for (const end of ends) if (end.status === 'rejected') throw end.reason
    } catch (cause) {
      if (signal.aborted) throw signal.reason
      throw this.#failure(cause, 'close')
    }
    this.#over = true
  }

  /** Releases the clients without ending the session, which expires after its timeout. */
  abandon(): void {
    const closed = zookeeperError('closed', 'close', 'the driver is closed')
    this.#abandoned.abort(closed)
    void this.#parts.end(closed)
    for (const part of this.#parts.all) part.abandon(closed)
  }

  #partLost(part: SessionPart): void {
    this.#loss = part.loss
    if (this.#parts.live.length > 0) {
      this.#onPartLost?.()
      return
    }
    this.#lost.abort(this.#endOf('renew'))
    void this.#parts.end(this.#lost.signal.reason)
  }

  async #call<T>(
    operation: string,
    signal: AbortSignal,
    work: () => Promise<T>,
    service?: string,
  ): Promise<T> {
    signal.throwIfAborted()
    try {
      this.#lost.signal.throwIfAborted()
      return await abortable(work(), signal)
    } catch (cause) {
      if (signal.aborted) throw signal.reason
      throw this.#failure(cause, operation, service)
    }
  }

  #failure(cause: unknown, operation: string, service?: string): RegistryError {
    if (this.#abandoned.signal.aborted)
      return zookeeperError('closed', operation, 'the driver is closed')
    if (this.#lost.signal.aborted) return this.#endOf(operation, service)
    const error = toRegistryError(cause, operation, service)
    if (error.code !== 'session-lost') return error
    // the other parts are alive
    return zookeeperError('unavailable', operation, error.message, service)
  }

  /** Why the last part has ended. */
  #endOf(operation: string, service?: string): RegistryError {
    const reason = this.#loss
    if (isCode(reason, 'AUTH_FAILED')) return toRegistryError(reason, operation, service)
    const message = reason instanceof Error ? reason.message : String(reason)
    return zookeeperError('session-lost', operation, message, service)
  }
}
