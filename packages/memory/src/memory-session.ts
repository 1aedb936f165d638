import {
  type Audit,
  auditOwned,
  type ConditionalStore,
  decodeRecord,
  type DriverSession,
  type FoundRecord,
  type OwnedRef,
  putOwned,
  type PutOutcome,
  type PutRequest,
  type RecordKey,
  type RegistryError,
  removeOwned,
  removeStraysOwned,
  type RemoveOutcome,
  SentRecords,
  type WriteResult,
  type WritingSession,
} from '@sd/core/driver'
import type { View } from './contents.ts'
import { backend, memoryError, toRegistryError } from './errors.ts'
import type { MemoryConnection } from './memory-connection.ts'
import type { MemoryOperation } from './memory-server.ts'

/** The maximum number of instances in one `put`, `remove` or `audit`. */
export const maxBatch = 128

/** The version of a key without a record. */
const absent = 0

/** State that the sessions of one driver share. */
export interface SessionContext {
  readonly connection: MemoryConnection
  readonly view: View
  /** The ids of this driver's open sessions; a session adds and removes itself. */
  readonly ownSessions: Set<string>
}

/** A session over one connection. Each read and each write of a batch is one transaction. */
export class MemorySession implements DriverSession {
  readonly id: string
  readonly grantedTtlMs: number
  readonly #connection: MemoryConnection
  readonly #view: View
  readonly #ownSessions: Set<string>
  readonly #self: WritingSession<number>
  readonly #lost = new AbortController()

  constructor({ connection, view, ownSessions }: SessionContext, id: string, grantedTtlMs: number) {
    const { format } = view
    this.#connection = connection
    this.#view = view
    this.#ownSessions = ownSessions.add(id)
    this.#self = { backend, id, format, ownSessions, sent: new SentRecords() }
    this.id = id
    this.grantedTtlMs = grantedTtlMs
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  renew(signal: AbortSignal): Promise<void> {
    return this.#call('renew', signal, () => {
      if (!this.#view.store.sessions.renew(this.id)) throw this.#gone('renew')
    })
  }

  async put(requests: readonly PutRequest[], signal: AbortSignal): Promise<readonly PutOutcome[]> {
    // what is never sent must not count as sent
    signal.throwIfAborted()
    this.#checkBatch(
      'put',
      requests.map(({ instance }) => instance),
    )
    return putOwned(this.#self, requests, this.#conditional('put', signal))
  }

  async remove(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly RemoveOutcome[]> {
    this.#checkBatch('remove', refs)
    const denials = new Map<string, RegistryError>()
    const store = this.#conditional('remove', signal)
    const outcomes = await removeOwned(this.#self, refs, {
      ...store,
      read: async (keys) => {
        const found = await store.read(keys)
        for (const [index, { refusal }] of found.entries())
          if (refusal) denials.set(keys[index] as string, refusal)
        return found.map((each) =>
          each.refusal ? { existing: undefined, revision: absent } : each,
        )
      },
    })
    return refs.map((ref, index): RemoveOutcome => {
      const error = denials.get(this.#view.format.key(ref, this.id))
      return error ? { result: 'error', error } : (outcomes[index] as RemoveOutcome)
    })
  }

  async audit(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly Audit[]> {
    this.#checkBatch('audit', refs)
    return auditOwned(this.#self, refs, this.#conditional('audit', signal))
  }

  /** A store that was restored from a backup has the records of then, and the session too. */
  async removeStrays(signal: AbortSignal): Promise<readonly RecordKey[]> {
    const tied = await this.#call('audit', signal, () => {
      const session = this.#view.store.sessions.get(this.id)
      if (session === undefined) throw this.#gone('audit')
      return [...session.keys]
    })
    return removeStraysOwned(this.#self, tied, this.#conditional('audit', signal), maxBatch)
  }

  async close(signal: AbortSignal): Promise<void> {
    await this.#call('closeSession', signal, () => this.#view.store.endSession(this.id))
    this.#ownSessions.delete(this.id)
  }

  async #call<T>(operation: MemoryOperation, signal: AbortSignal, execute: () => T): Promise<T> {
    try {
      return await this.#connection.call(operation, signal, execute)
    } catch (cause) {
      // the caller's abort reason is passed on unchanged
      if (signal.aborted) throw cause
      const error = toRegistryError(cause, operation)
      if (error.code === 'session-lost') this.#lost.abort(error)
      throw error
    }
  }

  #conditional(
    operation: 'put' | 'remove' | 'audit',
    signal: AbortSignal,
  ): ConditionalStore<number> {
    const { store, namespace } = this.#view
    return {
      absent,
      read: (keys) =>
        this.#call(operation, signal, () => keys.map((key) => this.#find(operation, key))),
      write: (writes) =>
        this.#call(operation, signal, () => {
          if (operation === 'put' && !store.sessions.get(this.id)) throw this.#gone(operation)
          const unchanged = writes.map(
            ({ key, expected }) =>
              this.#denied(operation, key) === undefined &&
              (store.get(namespace, key)?.version ?? absent) === expected,
          )
          const revision = store.commit(
            namespace,
            writes
              .filter((_, index) => unchanged[index])
              .map(({ key, value }) => ({ key, value, sessionId: this.id })),
          )
          return unchanged.map((written): WriteResult<number> =>
            written ? { revision } : 'changed',
          )
        }),
      replacedBy: (deleted) =>
        this.#call(operation, signal, () => {
          const session = store.sessions.get(this.id)
          return deleted.map(({ key }) => session?.replaced.get(key))
        }),
    }
  }

  #find(operation: MemoryOperation, key: string): FoundRecord<number> {
    const { store, namespace, format } = this.#view
    const refusal = operation === 'audit' ? undefined : this.#denied(operation, key)
    const stored = store.get(namespace, key)
    if (stored === undefined) return { existing: undefined, revision: absent, refusal }
    const record = decodeRecord(format, key, stored.value)
    return { existing: { ...stored, record }, revision: stored.version, refusal }
  }

  /** As strict as most servers, although this backend accepts more. */
  #checkBatch(
    operation: MemoryOperation,
    items: readonly { readonly service: string; readonly id: string }[],
  ): void {
    const keys = new Set(items.map((item) => this.#view.format.key(item, this.id)))
    if (items.length > maxBatch || keys.size < items.length)
      throw memoryError(
        'invalid-argument',
        operation,
        `the batch is too large or names an instance twice; expected at most ${maxBatch} different instances`,
      )
  }

  #denied(operation: MemoryOperation, key: string): RegistryError | undefined {
    const { denied } = this.#view.store.server
    const service = this.#view.format.serviceOf(key)
    const rule = denied.get(service) ?? denied.get(undefined)
    if (!rule) return undefined
    const error = memoryError(
      'permission-denied',
      operation,
      `this client may not write ${service}`,
    )
    if (rule.wholeBatch) throw error
    return error
  }

  #gone(operation: MemoryOperation): RegistryError {
    return memoryError('session-lost', operation, `session ${this.id} has expired or was closed`)
  }
}
