import {
  type Audit,
  type Claim,
  claimWins,
  type InstanceRecord,
  type OwnedRef,
  type PutOutcome,
  type PutRequest,
  toRecordKey,
  type WireFormat,
} from '@sd/core/driver'
import type { StoredRecord } from './keyspace.ts'

/** Who asks: a session, and the format it reads. */
export interface Asker {
  readonly sessionId: string
  readonly format: WireFormat
}

const read = (format: WireFormat, stored: StoredRecord): InstanceRecord | undefined => {
  const record = format.decode(stored.key, stored.value)
  return 'skipped' in record ? undefined : { key: toRecordKey(stored.key), ...record }
}

/** By claim; where the format has no room for one, by session. */
const isOwner = (
  { sessionId }: Asker,
  owner: string,
  stored: StoredRecord,
  claim: Claim | undefined,
): boolean => (claim === undefined ? stored.sessionId === sessionId : claim.owner === owner)

/** Why `request` may not replace `stored`; `undefined` when it may. */
export const conflictWith = (
  asker: Asker,
  stored: StoredRecord | undefined,
  { claim, mode }: PutRequest,
): PutOutcome | undefined => {
  if (stored === undefined) return undefined
  const record = read(asker.format, stored)
  const holder = record?.claim
  if (record && isOwner(asker, claim.owner, stored, holder)) return undefined
  if (mode === 'if-newer' && claimWins(claim, holder)) return undefined
  return { result: 'conflict', ...(holder ? { holder } : {}) }
}

/** Whether `owner` may remove `stored`. What cannot be read has no owner: it is left alone. */
export const isOwn = (asker: Asker, owner: string, stored: StoredRecord): boolean => {
  const record = read(asker.format, stored)
  return record !== undefined && isOwner(asker, owner, stored, record.claim)
}

/** What stands at the place of `ref`, compared with what the session last sent there. */
export const compare = (
  asker: Asker,
  ref: OwnedRef,
  stored: StoredRecord | undefined,
  sent: Uint8Array | undefined,
): Audit => {
  const { service, id, owner } = ref
  if (stored === undefined) return { service, id, owner, state: 'missing' }
  const record = read(asker.format, stored)
  const tied = stored.sessionId === asker.sessionId
  const replaced = !tied || (record && !isOwner(asker, owner, stored, record.claim))
  const same = sent !== undefined && Buffer.compare(sent, stored.value) === 0
  const state = replaced ? 'replaced' : same ? 'ours' : 'edited'
  return {
    service,
    id,
    owner,
    state,
    ...(record && state !== 'ours' ? { record } : {}),
  }
}
