import {
  type Audit,
  auditOwned,
  type ConditionalStore,
  type DriverSession,
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
  type WireFormat,
  type WritingSession,
} from '@sd/core/driver'
import type { StoreClient } from './client/store-client.ts'
import { backend, sessionGone } from './errors.ts'
import { conditionalStore, type RecordCalls } from './session/conditional-store.ts'

/** The maximum number of instances in one `put`, `remove` or `audit`. */
export const maxBatch = 200

/** State that the sessions of one driver share. */
export interface SessionContext {
  readonly client: StoreClient
  readonly format: WireFormat
  /** The ids of this driver's open sessions; a session adds and removes itself. */
  readonly ownSessions: Set<string>
}

/** A session of the file: a row that its records refer to. */
export class SqliteSession implements DriverSession {
  readonly id: string
  readonly grantedTtlMs: number
  readonly #context: SessionContext
  readonly #self: WritingSession<number>
  readonly #lost = new AbortController()

  constructor(context: SessionContext, id: string, grantedTtlMs: number) {
    const { format, ownSessions } = context
    this.#context = context
    this.#self = { backend, id, format, ownSessions: ownSessions.add(id), sent: new SentRecords() }
    this.id = id
    this.grantedTtlMs = grantedTtlMs
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  async renew(signal: AbortSignal): Promise<void> {
    if (!(await this.#context.client.call('renew', signal, 'renewSession', this.id)))
      throw this.#gone('renew')
  }

  async put(requests: readonly PutRequest[], signal: AbortSignal): Promise<readonly PutOutcome[]> {
    // what is never sent must not count as sent
    signal.throwIfAborted()
    const { client } = this.#context
    const store = this.#conditional('put', signal, async (writes) => {
      const written = await client.call('put', signal, 'write', this.id, writes)
      if (written === undefined) throw this.#gone('put')
      return written
    })
    return putOwned(this.#self, requests, store)
  }

  remove(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly RemoveOutcome[]> {
    const store = this.#conditional('remove', signal, (writes) =>
      this.#context.client.call('remove', signal, 'remove', writes),
    )
    return removeOwned(this.#self, refs, store)
  }

  audit(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly Audit[]> {
    const store = this.#conditional('audit', signal, async () => [])
    return auditOwned(this.#self, refs, store)
  }

  /** A file that was replaced by an older copy has the records of then, and the session too. */
  async removeStrays(signal: AbortSignal): Promise<readonly RecordKey[]> {
    const { client } = this.#context
    const tied = await client.call('audit', signal, 'tiedTo', this.id)
    const store = this.#conditional('audit', signal, (writes) =>
      client.call('audit', signal, 'remove', writes),
    )
    return removeStraysOwned(this.#self, tied, store, maxBatch)
  }

  async close(signal: AbortSignal): Promise<void> {
    const { client, ownSessions } = this.#context
    await client.call('close-session', signal, 'closeSession', this.id)
    ownSessions.delete(this.id)
  }

  #conditional(
    operation: string,
    signal: AbortSignal,
    write: RecordCalls['write'],
  ): ConditionalStore<number> {
    const { client, format } = this.#context
    const find: RecordCalls['find'] = (keys) => client.call(operation, signal, 'find', keys)
    const replacedBy: RecordCalls['replacedBy'] = (keys) =>
      client.call(operation, signal, 'replacedBy', this.id, keys)
    return conditionalStore(format, { find, write, replacedBy })
  }

  #gone(operation: string): RegistryError {
    const error = sessionGone(operation, this.id)
    this.#lost.abort(error)
    return error
  }
}
