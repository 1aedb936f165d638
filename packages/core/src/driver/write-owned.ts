import { claimWins } from '../model/claim.ts'
import { type InstanceRecord, type RecordKey, toRecordKey } from '../model/instance-record.ts'
import { RegistryError } from '../registry-error.ts'
import { decodeRecord, isReadable } from './decoded-record.ts'
import {
  auditRecord,
  type ExistingRecord,
  type OwnSession,
  putConflict,
  removalRefusal,
} from './ownership.ts'
import {
  type Audit,
  type OwnedRef,
  type PutOutcome,
  type PutRequest,
  type RemoveOutcome,
} from './registry-driver.ts'

/** What a session last sent under one key. */
export interface SentRecord<Revision> {
  readonly owner: string
  readonly value: Uint8Array
  /** The revision of the write; `undefined` until an answer reports it. */
  revision: Revision | undefined
}

/**
 * What a session last sent under each key, acknowledged or not. `audit` compares stored records with
 * it, and updates expect its revision.
 */
export class SentRecords<Revision = undefined> {
  readonly #records = new Map<string, SentRecord<Revision>>()

  get(key: string): SentRecord<Revision> | undefined {
    return this.#records.get(key)
  }

  /**
   * Stores a write. Call it before sending, as an audit must recognise a write whose answer was
   * lost. Keeps the revision of the same owner's last write.
   */
  add(key: string, owner: string, value: Uint8Array): SentRecord<Revision> {
    const last = this.#records.get(key)
    const sent = { owner, value, revision: last?.owner === owner ? last.revision : undefined }
    this.#records.set(key, sent)
    return sent
  }

  /** Deletes `sent`, unless another write was sent since. */
  delete(key: string, sent: SentRecord<Revision> | undefined): void {
    if (this.#records.get(key) === sent) this.#records.delete(key)
  }
}

/** A session that writes through the functions below. */
export interface WritingSession<Revision> extends OwnSession {
  /** The backend's name, for errors. */
  readonly backend: string
  readonly sent: SentRecords<Revision>
}

/** What is stored under a key, with the revision that a conditional write compares. */
export interface FoundRecord<Revision> {
  readonly existing: ExistingRecord | undefined
  readonly revision: Revision
  /** Why no owner can write a record under this key. */
  readonly refusal?: RegistryError | undefined
}

/** Writes `value`, or removes the record if it is `undefined`, if the revision is still `expected`. */
export interface ConditionalWrite<Revision> {
  readonly key: string
  readonly value: Uint8Array | undefined
  readonly expected: Revision
}

/** The new revision, if the server reports it; `changed` if the expected revision did not match. */
export type WriteResult<Revision> = { readonly revision: Revision | undefined } | 'changed'

/** What a driver implements for `putOwned` and `removeOwned`. Keys are those of its format. */
export interface ConditionalStore<Revision> {
  /** Reads what is stored under `keys`, in order. */
  readonly read: (keys: readonly string[]) => Promise<readonly FoundRecord<Revision>[]>
  /**
   * Makes the writes, in order, each only if `expected` matches. They may depend on each other: when
   * a transaction fails, all are `changed`. Throws when the batch failed as a whole.
   */
  readonly write: (
    writes: readonly ConditionalWrite<Revision>[],
  ) => Promise<readonly WriteResult<Revision>[]>
  /**
   * The revision of a key without a record, where no two records of a key ever have the same revision.
   * With it `putOwned` and `removeOwned` first write without reading, as a session nearly always finds
   * what it last wrote. Without it every put and every removal begins with a read.
   */
  readonly absent?: Revision | undefined
  /**
   * What replaced each of this session's records before it was deleted: the value that another
   * session wrote last, `undefined` where there is none or the history is lost. `after` is the
   * revision of this session's write. Tells a takeover whose winner has left from a deletion.
   * Omitted where the backend keeps no history.
   */
  readonly replacedBy?:
    | ((
        deleted: readonly { readonly key: string; readonly after: Revision }[],
      ) => Promise<readonly (Uint8Array | undefined)[]>)
    | undefined
  /** Runs one round without another round of the same session in between. Default: runs it at once. */
  readonly exclusively?: <T>(round: () => Promise<T>) => Promise<T>
}

/** Maximum number of rounds for a batch whose keys others write concurrently. */
const maxRounds = 8

interface Finding<Revision> extends FoundRecord<Revision> {
  /** The record of another owner that replaced this session's record, and that is gone too. */
  readonly departed?: InstanceRecord | undefined
}

/** Reads `keys`; where a record of this session is missing, also asks what replaced it. */
const readFindings = async <Revision>(
  { format, sent }: WritingSession<Revision>,
  keys: readonly string[],
  { read, replacedBy }: Pick<ConditionalStore<Revision>, 'read' | 'replacedBy'>,
): Promise<readonly Finding<Revision>[]> => {
  const found = await read(keys)
  const deleted = keys.flatMap((key, index) => {
    const after = found[index]?.existing === undefined ? sent.get(key)?.revision : undefined
    return after === undefined ? [] : [{ key, after }]
  })
  if (replacedBy === undefined || deleted.length === 0) return found
  const values = await replacedBy(deleted)
  const departed = new Map<string, InstanceRecord>()
  for (const [index, { key }] of deleted.entries()) {
    const value = values[index]
    const record = value && decodeRecord(format, key, value)
    if (record === undefined || !isReadable(record) || record.claim === undefined) continue
    if (record.claim.owner !== sent.get(key)?.owner) departed.set(key, record)
  }
  return found.map((each, index) => ({ ...each, departed: departed.get(keys[index] as string) }))
}

interface Item<Revision, Outcome> {
  readonly key: string
  readonly service: string
  readonly value: Uint8Array | undefined
  readonly judge: (found: Finding<Revision>) => Outcome | undefined
  readonly done: (revision: Revision | undefined) => Outcome
  expected: Revision | undefined
  outcome?: Outcome | undefined
}

const openOf = <Revision, Outcome>(
  items: readonly Item<Revision, Outcome>[],
): readonly Item<Revision, Outcome>[] => items.filter(({ outcome }) => outcome === undefined)

const readAndJudge = async <Revision, Outcome>(
  items: readonly Item<Revision, Outcome>[],
  session: WritingSession<Revision>,
  store: ConditionalStore<Revision>,
): Promise<void> => {
  const keys = items.map(({ key }) => key)
  const found = await readFindings(session, keys, store)
  for (const [index, item] of items.entries()) {
    const each = found[index] as Finding<Revision>
    item.expected = each.revision
    item.outcome = item.judge(each)
  }
}

const write = async <Revision, Outcome>(
  items: readonly Item<Revision, Outcome>[],
  store: ConditionalStore<Revision>,
): Promise<void> => {
  if (items.length === 0) return
  const results = await store.write(
    items.map(({ key, value, expected }) => ({ key, value, expected: expected as Revision })),
  )
  for (const [index, item] of items.entries()) {
    const result = results[index]
    if (result !== undefined && result !== 'changed') item.outcome = item.done(result.revision)
  }
}

/** Optimistic concurrency control: reads, judges, writes what has not changed, and retries the rest. */
const settle = async <Revision, Outcome>(
  items: readonly Item<Revision, Outcome>[],
  operation: string,
  session: WritingSession<Revision>,
  store: ConditionalStore<Revision>,
): Promise<readonly (Outcome | { readonly result: 'error'; readonly error: RegistryError })[]> => {
  const { exclusively = (round) => round() } = store
  if (items.every(({ expected }) => expected !== undefined)) await write(items, store)
  for (let round = 0; round < maxRounds && openOf(items).length > 0; round++)
    await exclusively(async () => {
      await readAndJudge(openOf(items), session, store)
      await write(openOf(items), store)
    })
  return items.map(({ outcome, key, service }) => {
    if (outcome !== undefined) return outcome
    const message = `other clients changed ${key} during each of ${maxRounds} attempts; try again`
    const { backend } = session
    const error = new RegistryError('unavailable', { backend, operation, service, message })
    return { result: 'error', error }
  })
}

/**
 * Implements `DriverSession.put` over conditional writes: writes what the claims allow, replaces only
 * the judged record, and stores each write in `session.sent`.
 */
export const putOwned = <Revision>(
  session: WritingSession<Revision>,
  requests: readonly PutRequest[],
  store: ConditionalStore<Revision>,
): Promise<readonly PutOutcome[]> => {
  const { format, sent } = session
  const items = requests.map((request): Item<Revision, PutOutcome> => {
    const { instance, claim } = request
    const key = format.key(instance, session.id)
    const value = format.encode(request)
    const added = sent.add(key, claim.owner, value)
    return {
      key,
      service: instance.service,
      value,
      expected: store.absent === undefined ? undefined : (added.revision ?? store.absent),
      judge: ({ existing, refusal, departed }) => {
        const outcome: PutOutcome | undefined = refusal
          ? { result: 'error', error: refusal }
          : departed?.claim && !claimWins(claim, departed.claim)
            ? { result: 'conflict', holder: departed.claim }
            : putConflict(session, existing, request)
        if (outcome) sent.delete(key, added)
        return outcome
      },
      done: (revision) => {
        added.revision = revision
        return { result: 'written', key: toRecordKey(key) }
      },
    }
  })
  return settle(items, 'put', session, store)
}

/**
 * Implements `DriverSession.remove` over conditional writes: removes the records of the named owners,
 * whichever of their sessions wrote them. Never removes the record of a concurrent takeover.
 */
export const removeOwned = <Revision>(
  session: WritingSession<Revision>,
  refs: readonly OwnedRef[],
  store: ConditionalStore<Revision>,
): Promise<readonly RemoveOutcome[]> => {
  const { format, sent } = session
  const items = refs.map((ref): Item<Revision, RemoveOutcome> => {
    const key = format.key(ref, session.id)
    const before = sent.get(key)
    const forget = (outcome: RemoveOutcome | undefined): RemoveOutcome | undefined => {
      if (outcome) sent.delete(key, before)
      return outcome
    }
    return {
      key,
      service: ref.service,
      value: undefined,
      expected:
        store.absent !== undefined && before?.owner === ref.owner ? before.revision : undefined,
      judge: ({ existing }) => forget(removalRefusal(session, existing, ref.owner)),
      done: () => forget({ result: 'removed' }) as RemoveOutcome,
    }
  })
  // whoever replaced a missing record, nothing is left to remove
  return settle(items, 'remove', session, { ...store, replacedBy: undefined })
}

/**
 * Implements `DriverSession.audit`: compares stored records with what this session last sent. A
 * record that another owner replaced, and has removed since, is `replaced` where the store can tell.
 */
export const auditOwned = async <Revision>(
  session: WritingSession<Revision>,
  refs: readonly OwnedRef[],
  store: Pick<ConditionalStore<Revision>, 'read' | 'replacedBy'>,
): Promise<readonly Audit[]> => {
  const { format, sent } = session
  const keys = refs.map((ref) => format.key(ref, session.id))
  const found = await readFindings(session, keys, store)
  return refs.map((ref, index): Audit => {
    const [key, each] = [keys[index] as string, found[index]]
    if (each?.departed) return { ...ref, state: 'replaced', record: each.departed }
    const last = sent.get(key)
    const audit = auditRecord(session, ref, each?.existing, last?.value)
    // the answer with the revision may have been lost
    if (audit.state === 'ours' && last) last.revision = each?.revision
    return audit
  })
}

/**
 * Implements `DriverSession.removeStrays` over conditional writes, in batches of at most `maxBatch`.
 * `tied` are the keys that the server ties to the session; those that the session did not send, or
 * has removed since, are removed, unless they change meanwhile.
 */
export const removeStraysOwned = async <Revision>(
  { id, sent }: Pick<WritingSession<Revision>, 'id' | 'sent'>,
  tied: readonly string[],
  store: ConditionalStore<Revision>,
  maxBatch: number,
): Promise<readonly RecordKey[]> => {
  const isStray = (key: string): boolean => sent.get(key) === undefined
  const strays = tied.filter(isStray)
  const removed: RecordKey[] = []
  for (let from = 0; from < strays.length; from += maxBatch) {
    const keys = strays.slice(from, from + maxBatch)
    const found = await store.read(keys)
    const writes = keys.flatMap((key, index) => {
      const { existing, revision: expected } = found[index] as FoundRecord<Revision>
      const stray = existing?.sessionId === id && isStray(key)
      return stray ? [{ key, value: undefined, expected }] : []
    })
    const results = writes.length === 0 ? [] : await store.write(writes)
    for (const [index, { key }] of writes.entries())
      if (results[index] !== 'changed') removed.push(toRecordKey(key))
  }
  return removed
}

/** The common service of a batch, for error messages; `undefined` for a mixed batch. */
export const commonService = (items: readonly { readonly service: string }[]): string | undefined =>
  items.every(({ service }) => service === items[0]?.service) ? items[0]?.service : undefined
