import {
  abortable,
  type Audit,
  auditOwned,
  commonService,
  type DriverSession,
  type FoundRecord,
  inParallel,
  type OwnedRef,
  putOwned,
  type PutOutcome,
  type PutRequest,
  type RecordKey,
  type RegistryError,
  removeOwned,
  type RemoveOutcome,
  removeStraysOwned,
  SentRecords,
  withDeadline,
  type WritingSession,
} from '@sd/core/driver'
import type { LastSeen, ZooKeeperClient } from './client/zookeeper-client.ts'
import { isCode } from './client/zookeeper-error.ts'
import { backend, toRegistryError, zookeeperError } from './errors.ts'
import { conditionalStore, Mutex, type NodeStore } from './session/conditional-store.ts'
import { foundNode, type NodeRevision } from './session/existing-nodes.ts'
import { FirstCreations } from './session/first-creations.ts'
import type { PartContext, SessionPart } from './session/session-part.ts'
import { type ConnectPart, SessionParts } from './session/session-parts.ts'
import { readNodesAt } from './reader/read-nodes.ts'

/** State that the sessions of one driver share. */
export interface SessionContext extends PartContext {
  /**
   * The driver's sessions, by the ids of the ZooKeeper sessions they consist of. A session adds its
   * parts, and removes them once they are over.
   */
  readonly sessions: Map<string, ZooKeeperSession>
}

/** How many stray records are read and removed at once. */
const maxStraysInBatch = 100

/** Stands for a part that has ended: what it holds is not stored for long. */
const endedPart = 'ended'

/**
 * A session of core: one ZooKeeper session, or several where the paths of its records take more than
 * `maxPathBytes`. A part that ends by itself takes only its own records with it. Core then audits, and
 * writes them again, in the other parts. The session is lost with its last part.
 */
export class ZooKeeperSession implements DriverSession {
  /** The id of the first part: hexadecimal, as ZooKeeper's own tools show it. */
  readonly id: string
  readonly grantedTtlMs: number
  readonly #context: SessionContext
  readonly #parts: SessionParts
  /** One for all parts: two rounds on one service would outdate each other's reads. */
  readonly #mutex = new Mutex()
  readonly #firstCreations = new FirstCreations()
  readonly #self: WritingSession<NodeRevision>
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
    this.#self = {
      backend,
      id: this.id,
      format: keys.format,
      ownSessions: { has: (id) => id === endedPart || sessions.has(id) },
      sent: new SentRecords(),
    }
    this.#parts = new SessionParts(context, connect, {
      added: (part) => void sessions.set(part.id, this),
      lost: (part) => this.#partLost(part),
    })
    this.#parts.add(client)
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
      const [limitMs, subject] = [this.grantedTtlMs / 3, { backend, operation: 'renew' }]
      const beats = beating.map((part) =>
        withDeadline(clock, limitMs, this.#abandoned.signal, subject, (under) => part.renew(under)),
      )
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
    return this.#call('put', signal, () => this.#put(requests, signal), service)
  }

  /** The empty node above remains: if it were removed, its version would begin at 0 again. */
  remove(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly RemoveOutcome[]> {
    const work = async (): Promise<readonly RemoveOutcome[]> => {
      const keys = refs.map((ref) => this.#keyOf(ref))
      // any session may delete a node
      const part = this.#partOf(keys[0])
      // an earlier session may have written through a member that this part's member lags behind; the
      // server answers the reads that follow on the connection after it
      const passed = part.barrier(signal)
      passed.catch(() => {})
      try {
        return await part.run((client) => {
          const store = conditionalStore(this.#nodes(client), 'remove', false, signal)
          const read: typeof store.read = async (recordKeys) => {
            const [found] = await Promise.all([store.read(recordKeys), passed])
            return found
          }
          return removeOwned(this.#self, refs, { ...store, read })
        })
      } finally {
        this.#forget(keys)
      }
    }
    return this.#call('remove', signal, work, commonService(refs))
  }

  audit(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly Audit[]> {
    const work = async (): Promise<readonly Audit[]> => {
      const audits = new Map<OwnedRef, Audit>()
      const groups = Map.groupBy(refs, (ref) => this.#partOf(this.#keyOf(ref)))
      await inParallel(groups, groups.size, async ([part, group]) => {
        const all = await this.#audit(part, group, signal)
        for (const [index, ref] of group.entries()) audits.set(ref, all[index] as Audit)
      })
      return refs.map((ref) => audits.get(ref) as Audit)
    }
    return this.#call('audit', signal, work, commonService(refs))
  }

  /**
   * A restored backup ties what was removed since to a ZooKeeper session that goes on, and that renews
   * it for ever.
   */
  removeStrays(signal: AbortSignal): Promise<readonly RecordKey[]> {
    const { keys } = this.#context
    const removeFrom = (part: SessionPart): Promise<readonly RecordKey[]> =>
      part.run(async (client) => {
        const paths = await client.ephemerals(`${keys.root}/`, signal)
        const tied = paths
          .map((path) => path.slice(keys.root.length + 1))
          .filter((key) => keys.serviceOf(key) !== undefined) // in this namespace
        const store = conditionalStore(this.#nodes(client), 'audit', false, signal)
        return removeStraysOwned(this.#self, tied, store, maxStraysInBatch)
      })
    const work = async (): Promise<readonly RecordKey[]> =>
      (await Promise.all(this.#parts.live.map(removeFrom))).flat()
    return this.#call('audit', signal, work)
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

  async #put(requests: readonly PutRequest[], signal: AbortSignal): Promise<readonly PutOutcome[]> {
    const keyOf = ({ instance }: PutRequest): string => this.#keyOf(instance)
    const keys = requests.map(keyOf)
    const { placed, refusal } = await this.#parts.place(keys, signal)
    const outcomes = new Map<PutRequest, PutOutcome>()
    const groups = Map.groupBy(requests, (request) => placed.get(keyOf(request)))
    try {
      await inParallel(groups, groups.size, async ([part, group]) => {
        const results = part && (await this.#putIn(part, group, signal))
        for (const [index, request] of group.entries())
          outcomes.set(
            request,
            results?.[index] ?? { result: 'error', error: refusal as RegistryError },
          )
      })
    } finally {
      this.#forget(keys)
    }
    return requests.map((request) => outcomes.get(request) as PutOutcome)
  }

  #putIn(
    part: SessionPart,
    requests: readonly PutRequest[],
    signal: AbortSignal,
  ): Promise<readonly PutOutcome[]> {
    const { sent } = this.#self
    const isNew = requests.every(({ instance }) => !sent.get(this.#keyOf(instance)))
    return part.run((client) =>
      putOwned(this.#self, requests, conditionalStore(this.#nodes(client), 'put', isNew, signal)),
    )
  }

  async #audit(
    part: SessionPart,
    refs: readonly OwnedRef[],
    signal: AbortSignal,
  ): Promise<readonly Audit[]> {
    const { keys } = this.#context
    // another part's member may be ahead of this one's
    if (refs.some((ref) => this.#parts.placeOf(this.#keyOf(ref)) !== part))
      await part.barrier(signal)
    return part.run((client) => {
      // nothing is written, so the versions of the nodes above need not be read
      const read = async (
        recordKeys: readonly string[],
      ): Promise<readonly FoundRecord<NodeRevision>[]> => {
        const paths = recordKeys.map((key) => keys.path(key))
        const nodes = await readNodesAt(client, paths, signal)
        const reading = { keys, operation: 'audit', tiedTo: this.#tiedTo }
        return recordKeys.map((key, index) => foundNode(reading, key, nodes[index]))
      }
      return auditOwned(this.#self, refs, { read })
    })
  }

  #keyOf(ref: { readonly service: string; readonly id: string }): string {
    return this.#self.format.key(ref, this.id)
  }

  #nodes(client: ZooKeeperClient): NodeStore {
    const { keys } = this.#context
    const [mutex, firstCreations, tiedTo] = [this.#mutex, this.#firstCreations, this.#tiedTo]
    return { client, keys, mutex, firstCreations, tiedTo }
  }

  /** The live part for a key; a connected one where it is in none. */
  #partOf(key: string | undefined): SessionPart {
    const { live } = this.#parts
    const place = key === undefined ? undefined : this.#parts.placeOf(key)
    const part =
      place?.loss === undefined && place !== undefined
        ? place
        : (live.find(({ isConnected }) => isConnected) ?? live[0])
    if (part === undefined) throw this.#lost.signal.reason
    return part
  }

  /** What `sent` does not contain is not stored in this session. */
  #forget(keys: readonly string[]): void {
    for (const key of keys) if (this.#self.sent.get(key) === undefined) this.#parts.unplace(key)
  }

  /** The id of the session whose part owns a node. */
  readonly #tiedTo = (ephemeralOwner: string): string => {
    const part = this.#parts.all.find(({ id }) => id === ephemeralOwner)
    if (part === undefined) return ephemeralOwner
    return part.loss === undefined ? this.id : endedPart
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
