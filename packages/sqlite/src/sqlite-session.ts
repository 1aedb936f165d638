import {
  type Audit,
  type DriverSession,
  isHeldBy,
  type OwnedRef,
  putConflict,
  type PutOutcome,
  type PutRequest,
  type RegistryError,
  type RemoveOutcome,
  type Standing,
  toRecordKey,
  type WireFormat,
} from '@sd/core/driver'
import type { StoreClient } from './client/store-client.ts'
import { sqliteError } from './errors.ts'
import { type Entry, writeBatch } from './session/write-batch.ts'
import type { StoredRecord } from './worker/store-api.ts'

/** What a session works with. */
export interface SessionParts {
  readonly client: StoreClient
  readonly format: WireFormat
  /** The ids of this driver's sessions: records without a claim are ours by them. */
  readonly ownSessions: Set<string>
}

interface Sent {
  readonly owner: string
  readonly document: Uint8Array
  /** 0 while no answer told it. */
  readonly revision: number
}

/** A session of the file: a row, which its records are tied to. */
export class SqliteSession implements DriverSession {
  readonly id: string
  readonly grantedTtlMs: number
  readonly #parts: SessionParts
  readonly #lost = new AbortController()
  /** What was last sent for each key, acknowledged or not: `audit` tells whether it stands. */
  readonly #sent = new Map<string, Sent>()

  constructor(parts: SessionParts, id: string, grantedTtlMs: number) {
    this.#parts = parts
    this.id = id
    this.grantedTtlMs = grantedTtlMs
    parts.ownSessions.add(id)
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  async renew(signal: AbortSignal): Promise<void> {
    if (!(await this.#parts.client.call('renew', signal, 'renewSession', this.id)))
      throw this.#gone('renew')
  }

  async put(requests: readonly PutRequest[], signal: AbortSignal): Promise<readonly PutOutcome[]> {
    // what is never sent must not count as sent
    signal.throwIfAborted()
    const { client, format } = this.#parts
    const requestOf = new Map<string, PutRequest>()
    const entries = requests.map((request): Entry<PutOutcome> => {
      const key = format.key(request.instance, this.id)
      // a copy: what is sent to a thread is sent with all of the memory that it lies in
      const document = new Uint8Array(format.encode(request))
      const { owner } = request.claim
      const last = this.#sent.get(key)
      const revision = last?.owner === owner ? last.revision : 0
      this.#sent.set(key, { owner, document, revision })
      requestOf.set(key, request)
      return { key, document, expected: revision, outcome: undefined }
    })
    return writeBatch(entries, {
      operation: 'put',
      send: async (writes) => {
        const written = await client.call('put', signal, 'write', this.id, writes)
        if (written === undefined) throw this.#gone('put')
        return written
      },
      refuse: ({ key }, standing) =>
        putConflict(format, standing && this.#standing(standing), requestOf.get(key) as PutRequest),
      done: ({ key, document }, revision) => {
        const sent = this.#sent.get(key)
        // unless it was sent anew meanwhile
        if (sent && sent.document === document) this.#sent.set(key, { ...sent, revision })
        return { result: 'written', key: toRecordKey(key) }
      },
    })
  }

  async remove(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly RemoveOutcome[]> {
    const { client, format } = this.#parts
    const keys = refs.map((ref) => format.key(ref, this.id))
    const ownerOf = new Map(refs.map(({ owner }, index) => [keys[index] as string, owner]))
    const sent = keys.map((key) => this.#sent.get(key))
    const refuse = (
      { key }: { readonly key: string },
      standing: StoredRecord | undefined,
    ): RemoveOutcome | undefined => {
      if (standing === undefined) return { result: 'absent' }
      const held = isHeldBy(this.#standing(standing), ownerOf.get(key) ?? '')
      return held ? undefined : { result: 'not-ours' }
    }
    const found = await client.call('remove', signal, 'find', keys)
    const entries = keys.map((key, index): Entry<RemoveOutcome> => ({
      key,
      expected: found[index]?.revision ?? 0,
      outcome: refuse({ key }, found[index]),
    }))
    const outcomes = await writeBatch<RemoveOutcome>(entries, {
      operation: 'remove',
      send: (writes) => client.call('remove', signal, 'remove', writes),
      refuse,
      done: () => ({ result: 'removed' }),
    })
    for (const [index, key] of keys.entries())
      // unless it was sent anew meanwhile
      if (outcomes[index]?.result === 'removed' && this.#sent.get(key) === sent[index])
        this.#sent.delete(key)
    return outcomes
  }

  async audit(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly Audit[]> {
    const { client, format } = this.#parts
    const keys = refs.map((ref) => format.key(ref, this.id))
    const found = await client.call('audit', signal, 'find', keys)
    return refs.map((ref, index) => this.#judge(ref, found[index]))
  }

  async close(signal: AbortSignal): Promise<void> {
    const { client, ownSessions } = this.#parts
    await client.call('close-session', signal, 'closeSession', this.id)
    ownSessions.delete(this.id)
  }

  #judge({ service, id, owner }: OwnedRef, stored: StoredRecord | undefined): Audit {
    const ref = { service, id, owner }
    if (stored === undefined) return { ...ref, state: 'missing' }
    const { key, document, session, revision } = stored
    const standing = this.#standing(stored)
    const tied = session === this.id && isHeldBy(standing, owner)
    const sent = this.#sent.get(key)
    if (tied && sent && Buffer.compare(sent.document, document) === 0) {
      // of an answer that was lost: from now on the revision is known
      this.#sent.set(key, { ...sent, revision })
      return { ...ref, state: 'ours' }
    }
    const { decoded } = standing
    const record = 'skipped' in decoded ? {} : { record: { key: toRecordKey(key), ...decoded } }
    return { ...ref, state: tied ? 'edited' : 'replaced', ...record }
  }

  #standing({ key, document, session }: StoredRecord): Standing {
    const { format, ownSessions } = this.#parts
    return {
      decoded: format.decode(key, document),
      ownSession: session !== null && ownSessions.has(session),
    }
  }

  #gone(operation: string): RegistryError {
    const message = `the file has no session ${this.id} any more`
    const error = sqliteError('session-lost', operation, message)
    this.#lost.abort(error)
    return error
  }
}
