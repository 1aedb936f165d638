import {
  type Audit,
  type DriverSession,
  type OwnedRef,
  type PutOutcome,
  type PutRequest,
  type RegistryError,
  type RemoveOutcome,
  toRecordKey,
} from '@sd/core/driver'
import type { View } from './contents.ts'
import { memoryError, toRegistryError } from './errors.ts'
import type { MemoryConnection } from './memory-connection.ts'
import type { MemoryOperation } from './memory-server.ts'
import type { Write } from './memory-store.ts'
import { type Asker, compare, conflictWith, isOwn } from './ownership.ts'

/** Most instances in one `put`, `remove` or `audit`. */
export const maxBatch = 128

/** A session over one connection. All comparing is done inside a call, hence in one step with the writing. */
export class MemorySession implements DriverSession {
  readonly id: string
  readonly grantedTtlMs: number
  readonly #connection: MemoryConnection
  readonly #view: View
  readonly #asker: Asker
  readonly #lost = new AbortController()
  /** What was last sent for each key, acknowledged or not: `audit` tells whether it stands. */
  readonly #sent = new Map<string, Uint8Array>()

  constructor(connection: MemoryConnection, view: View, id: string, grantedTtlMs: number) {
    this.#connection = connection
    this.#view = view
    this.#asker = { sessionId: id, format: view.format }
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
    const keys = this.#keys('put', requests, ({ instance }) => instance)
    const prepared = requests.map((request, index) => {
      const key = keys[index] as string
      const value = format.encode(request)
      this.#sent.set(key, value)
      return { request, key, value }
    })
    return this.#call('put', signal, () => {
      if (!store.sessions.get(this.id)) throw this.#gone('put')
      const writes: Write[] = []
      const outcomes = prepared.map(({ request, key, value }): PutOutcome => {
        const denied = this.#denied('put', request.instance.service)
        if (denied) return { result: 'error', error: denied }
        const conflict = conflictWith(this.#asker, store.get(namespace, key), request)
        if (conflict) return conflict
        writes.push({ key, value, sessionId: this.id })
        return { result: 'written', key: toRecordKey(key) }
      })
      store.commit(namespace, writes)
      return outcomes
    })
  }

  async remove(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly RemoveOutcome[]> {
    const { store, namespace } = this.#view
    const keys = this.#keys('remove', refs, (ref) => ref)
    const sent = keys.map((key) => this.#sent.get(key))
    const outcomes = await this.#call('remove', signal, () => {
      const writes: Write[] = []
      const removals = refs.map((ref, index): RemoveOutcome => {
        const key = keys[index] as string
        const denied = this.#denied('remove', ref.service)
        if (denied) return { result: 'error', error: denied }
        const stored = store.get(namespace, key)
        if (!stored) return { result: 'absent' }
        if (!isOwn(this.#asker, ref.owner, stored)) return { result: 'not-ours' }
        writes.push({ key, value: undefined })
        return { result: 'removed' }
      })
      store.commit(namespace, writes)
      return removals
    })
    for (const [index, key] of keys.entries())
      // unless it was sent anew meanwhile
      if (outcomes[index]?.result === 'removed' && this.#sent.get(key) === sent[index])
        this.#sent.delete(key)
    return outcomes
  }

  async audit(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly Audit[]> {
    const { store, namespace } = this.#view
    const keys = this.#keys('audit', refs, (ref) => ref)
    return this.#call('audit', signal, () =>
      refs.map((ref, index) => {
        const key = keys[index] as string
        return compare(this.#asker, ref, store.get(namespace, key), this.#sent.get(key))
      }),
    )
  }

  close(signal: AbortSignal): Promise<void> {
    return this.#call('closeSession', signal, () => this.#view.store.endSession(this.id))
  }

  async #call<T>(operation: MemoryOperation, signal: AbortSignal, execute: () => T): Promise<T> {
    try {
      return await this.#connection.call(operation, signal, execute)
    } catch (cause) {
      // an abort reason is the caller's own and stays as it is
      if (signal.aborted) throw cause
      const error = toRegistryError(cause, operation)
      if (error.code === 'session-lost') this.#lost.abort(error)
      throw error
    }
  }

  /** The keys of a batch. Stricter than needed here, since most servers refuse what this refuses. */
  #keys<T>(
    operation: MemoryOperation,
    items: readonly T[],
    place: (item: T) => { readonly service: string; readonly id: string },
  ): readonly string[] {
    const keys = items.map((item) => this.#view.format.key(place(item), this.id))
    if (items.length > maxBatch || new Set(keys).size < items.length)
      throw memoryError(
        'invalid-argument',
        operation,
        `a batch is at most ${maxBatch} instances, none twice`,
      )
    return keys
  }

  #denied(operation: MemoryOperation, service: string): RegistryError | undefined {
    const { denied } = this.#view.store.server
    const rule = denied.get(service) ?? denied.get(undefined)
    if (!rule) return undefined
    const error = memoryError('permission-denied', operation, `${service} may not be written`)
    if (rule.wholeBatch) throw error
    return error
  }

  #gone(operation: MemoryOperation): RegistryError {
    return memoryError('session-lost', operation, `there is no session ${this.id} any more`)
  }
}
