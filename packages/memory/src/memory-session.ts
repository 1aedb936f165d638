import {
  type Audit,
  auditRecord,
  decodeRecord,
  type DriverSession,
  type ExistingRecord,
  type OwnedRef,
  type OwnSession,
  putConflict,
  type PutOutcome,
  type PutRequest,
  type RecordKey,
  type RegistryError,
  removalRefusal,
  type RemoveOutcome,
  SentRecords,
  toRecordKey,
} from '@sd/core/driver'
import type { View } from './contents.ts'
import { memoryError, toRegistryError } from './errors.ts'
import type { MemoryConnection } from './memory-connection.ts'
import type { MemoryOperation } from './memory-server.ts'
import type { Write } from './memory-store.ts'

/** The maximum number of instances in one `put`, `remove` or `audit`. */
export const maxBatch = 128

/** State that the sessions of one driver share. */
export interface SessionContext {
  readonly connection: MemoryConnection
  readonly view: View
  /** The ids of this driver's open sessions; a session adds and removes itself. */
  readonly ownSessions: Set<string>
}

/** A session over one connection. Each call compares and writes in one step. */
export class MemorySession implements DriverSession {
  readonly id: string
  readonly grantedTtlMs: number
  readonly #connection: MemoryConnection
  readonly #view: View
  readonly #ownSessions: Set<string>
  readonly #self: OwnSession
  readonly #lost = new AbortController()
  readonly #sent = new SentRecords()

  constructor({ connection, view, ownSessions }: SessionContext, id: string, grantedTtlMs: number) {
    this.#connection = connection
    this.#view = view
    this.#ownSessions = ownSessions.add(id)
    this.#self = { id, format: view.format, ownSessions }
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
    const { store, namespace, format } = this.#view
    const keys = this.#keys(
      'put',
      requests.map(({ instance }) => instance),
    )
    const values = requests.map((request) => format.encode(request))
    const sent = requests.map(({ claim }, index) =>
      this.#sent.add(keys[index] as string, claim.owner, values[index] as Uint8Array),
    )
    const outcomes = await this.#call('put', signal, () => {
      if (!store.sessions.get(this.id)) throw this.#gone('put')
      const writes: Write[] = []
      const decided = requests.map((request, index): PutOutcome => {
        const key = keys[index] as string
        const denied = this.#denied('put', request.instance.service)
        if (denied) return { result: 'error', error: denied }
        const conflict = putConflict(this.#self, this.#existing(key), request)
        if (conflict) return conflict
        writes.push({ key, value: values[index], sessionId: this.id })
        return { result: 'written', key: toRecordKey(key) }
      })
      store.commit(namespace, writes)
      return decided
    })
    for (const [index, key] of keys.entries())
      if (outcomes[index]?.result !== 'written') this.#sent.delete(key, sent[index])
    return outcomes
  }

  async remove(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly RemoveOutcome[]> {
    const { store, namespace } = this.#view
    const keys = this.#keys('remove', refs)
    const sent = keys.map((key) => this.#sent.get(key))
    const outcomes = await this.#call('remove', signal, () => {
      const writes: Write[] = []
      const decided = refs.map(({ service, owner }, index): RemoveOutcome => {
        const key = keys[index] as string
        const denied = this.#denied('remove', service)
        if (denied) return { result: 'error', error: denied }
        const refusal = removalRefusal(this.#self, this.#existing(key), owner)
        if (refusal) return refusal
        writes.push({ key, value: undefined })
        return { result: 'removed' }
      })
      store.commit(namespace, writes)
      return decided
    })
    for (const [index, key] of keys.entries())
      if (outcomes[index]?.result !== 'error') this.#sent.delete(key, sent[index])
    return outcomes
  }

  async audit(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly Audit[]> {
    const keys = this.#keys('audit', refs)
    return this.#call('audit', signal, () =>
      refs.map((ref, index) => {
        const key = keys[index] as string
        return auditRecord(this.#self, ref, this.#existing(key), this.#sent.get(key)?.value)
      }),
    )
  }

  /** A store that was restored from a backup has the records of then, and the session too. */
  removeStrays(signal: AbortSignal): Promise<readonly RecordKey[]> {
    const { store, namespace } = this.#view
    return this.#call('audit', signal, () => {
      const session = store.sessions.get(this.id)
      if (session === undefined) throw this.#gone('audit')
      const strays = [...session.keys].filter((key) => this.#sent.get(key) === undefined)
      store.commit(
        namespace,
        strays.map((key) => ({ key, value: undefined })),
      )
      return strays.map(toRecordKey)
    })
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

  #existing(key: string): ExistingRecord | undefined {
    const { store, namespace, format } = this.#view
    const stored = store.get(namespace, key)
    return stored && { ...stored, record: decodeRecord(format, key, stored.value) }
  }

  /** The keys of a batch. As strict as most servers, although this backend accepts more. */
  #keys(
    operation: MemoryOperation,
    items: readonly { readonly service: string; readonly id: string }[],
  ): readonly string[] {
    const keys = items.map((item) => this.#view.format.key(item, this.id))
    if (items.length > maxBatch || new Set(keys).size < items.length)
      throw memoryError(
        'invalid-argument',
        operation,
        `the batch is too large or names an instance twice; expected at most ${maxBatch} different instances`,
      )
    return keys
  }

  #denied(operation: MemoryOperation, service: string): RegistryError | undefined {
    const { denied } = this.#view.store.server
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
