import {
  abortable,
  type Audit,
  auditOwned,
  commonService,
  type ConditionalStore,
  type DriverContext,
  type DriverSession,
  inParallel,
  type OwnedRef,
  putOwned,
  type PutOutcome,
  type PutRequest,
  type RegistryError,
  removeOwned,
  type RemoveOutcome,
  SentRecords,
  type WritingSession,
} from '@sd/core/driver'
import type { ZooKeeperClient } from './client/zookeeper-client.ts'
import { isCode } from './client/zookeeper-error.ts'
import { backend, toRegistryError, zookeeperError } from './errors.ts'
import { barrier, heartbeat } from './client/round-trips.ts'
import type { Keys } from './keys.ts'
import type { Reader } from './reader/reader.ts'
import { conditionalStore, Mutex, type NodeStore } from './session/conditional-store.ts'
import { foundNode, type NodeRevision } from './session/existing-nodes.ts'
import { ifThere, maxReads } from './reader/read-scope.ts'

/** State that the sessions of one driver share. */
export interface SessionContext {
  readonly keys: Keys
  readonly clock: DriverContext['clock']
  /** Shows whether a server answers after this session's own client has ended. */
  readonly reader: Reader
  /** The driver's sessions. A session adds itself, and removes itself once it is over. */
  readonly sessions: Map<string, ZooKeeperSession>
}

/** One ZooKeeper session on its own connection. It owns the ephemeral node of each written record. */
export class ZooKeeperSession implements DriverSession {
  /** Hexadecimal, as ZooKeeper's own tools show it. */
  readonly id: string
  readonly grantedTtlMs: number
  readonly #context: SessionContext
  readonly #client: ZooKeeperClient
  readonly #nodes: NodeStore
  readonly #self: WritingSession<NodeRevision>
  readonly #lost = new AbortController()
  readonly #abandoned = new AbortController()
  #answers = 0
  #closing: Promise<void> | undefined
  #answeringSinceMs: number | undefined
  #over = false

  /** `client` is connected. */
  constructor(client: ZooKeeperClient, context: SessionContext) {
    const { keys, sessions } = context
    this.id = client.sessionId
    this.grantedTtlMs = client.sessionTimeoutMs
    this.#context = context
    this.#client = client
    this.#nodes = { client, keys, mutex: new Mutex() }
    this.#self = {
      backend,
      id: this.id,
      format: keys.format,
      ownSessions: sessions.set(this.id, this),
      sent: new SentRecords(),
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
    const { clock } = this.#context
    const sinceMs = clock.monotonicMs()
    try {
      await this.#call('renew', signal, () => heartbeat(this.#client, signal))
    } catch (error) {
      // a server that answers nothing is dropped early enough for the session to survive; a heartbeat
      // that the caller aborts sooner is no sign of a silent server
      const hung = signal.aborted && clock.monotonicMs() - sinceMs >= this.grantedTtlMs / 10
      if (hung && answers === this.#answers) this.#client.reconnect()
      throw error
    }
  }

  put(requests: readonly PutRequest[], signal: AbortSignal): Promise<readonly PutOutcome[]> {
    const instances = requests.map(({ instance }) => instance)
    // the client of an ending session still counts as connecting
    if (this.#closing !== undefined && !this.#abandoned.signal.aborted && !signal.aborted)
      return Promise.reject(
        zookeeperError('session-lost', 'put', 'the session was closed', commonService(instances)),
      )
    const { id, format, sent } = this.#self
    const work = (): Promise<readonly PutOutcome[]> => {
      const isNew = instances.every((instance) => !sent.get(format.key(instance, id)))
      return putOwned(this.#self, requests, conditionalStore(this.#nodes, 'put', isNew, signal))
    }
    return this.#call('put', signal, work, commonService(instances))
  }

  /** The empty node above remains: if it were removed, its version would begin at 0 again. */
  remove(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly RemoveOutcome[]> {
    const work = async (): Promise<readonly RemoveOutcome[]> => {
      // an earlier session may have written through a member that this session's member lags behind
      await barrier(this.#client, signal)
      return removeOwned(this.#self, refs, conditionalStore(this.#nodes, 'remove', false, signal))
    }
    return this.#call('remove', signal, work, commonService(refs))
  }

  audit(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly Audit[]> {
    const { keys } = this.#context
    // nothing is written, so the versions of the nodes above need not be read
    const read: ConditionalStore<NodeRevision>['read'] = (recordKeys) =>
      inParallel(recordKeys, maxReads, async (key) => {
        const node = await ifThere(this.#client.get(keys.path(key), signal))
        return foundNode(keys, 'audit', key, node)
      })
    const work = (): Promise<readonly Audit[]> => auditOwned(this.#self, refs, { read })
    return this.#call('audit', signal, work, commonService(refs))
  }

  /**
   * Resolves when a server has confirmed the end of the session. If none did before the client gave
   * up, resolves one and a half ttl after servers answer again: a frozen server may, when it resumes,
   * process the requests in its sockets, and then keep the session for one more ttl.
   */
  async close(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#over) return
    // not under `signal`: closing continues between the calls
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
    this.#context.sessions.delete(this.id)
  }

  /** Releases the client without ending the session, which expires after its timeout. */
  abandon(): void {
    const closed = zookeeperError('closed', 'close', 'the driver is closed')
    this.#abandoned.abort(closed)
    this.#client.close(this.#abandoned.signal).catch(() => {})
  }

  async #waitOut(signal: AbortSignal): Promise<void> {
    const { reader, clock } = this.#context
    await reader.call('close', signal, (connection) => connection.barrier(signal))
    const nowMs = clock.monotonicMs()
    this.#answeringSinceMs ??= nowMs
    const leftMs = this.#answeringSinceMs + 1.5 * this.grantedTtlMs - nowMs
    if (leftMs <= 0) return
    const message = `the session ${this.id} may stay alive for ${Math.ceil(leftMs)} ms`
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
