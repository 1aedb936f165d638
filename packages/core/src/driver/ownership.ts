import { type Claim, claimWins } from '../model/claim.ts'
import type { InstanceRecord } from '../model/instance-record.ts'
import type { ServiceInstance } from '../model/service-instance.ts'
import { type DecodedRecord, isReadable } from './decoded-record.ts'
import type { Audit, OwnedRef, PutOutcome, PutRequest, RemoveOutcome } from './registry-driver.ts'
import type { WireFormat } from './wire-format.ts'

/** A stored record that a driver found before it writes, removes or audits. */
export interface ExistingRecord {
  readonly record: DecodedRecord
  /** The stored bytes. */
  readonly value: Uint8Array
  /** The session that the record is tied to; `undefined` if it is tied to none. */
  readonly sessionId: string | undefined
}

/** The session on whose behalf the rules below are evaluated. */
export interface OwnSession {
  readonly id: string
  readonly format: WireFormat
  /**
   * The ids of all open sessions of this driver, including this one. During recovery an earlier
   * session and its records still exist; they are never a conflict (R7).
   */
  readonly ownSessions: { has(id: string): boolean }
}

const isOwn = ({ ownSessions }: OwnSession, { sessionId }: ExistingRecord): boolean =>
  sessionId !== undefined && ownSessions.has(sessionId)

/** Whether `owner` holds a record: by its claim or, without a claim, because an own session wrote it. */
export const isHeldBy = (session: OwnSession, existing: ExistingRecord, owner: string): boolean => {
  const holder = isReadable(existing.record) ? existing.record.claim?.owner : undefined
  return holder === undefined ? isOwn(session, existing) : holder === owner
}

/**
 * Why `request` may not replace what exists; `undefined` when it may. The same rule applies on every
 * backend: the same owner always may. Another owner may only with `if-newer`, if its claim is higher,
 * the record is unreadable, or the record has no claim in a format whose writers all write claims.
 */
export const putConflict = (
  session: OwnSession,
  existing: ExistingRecord | undefined,
  { claim, mode }: Pick<PutRequest, 'claim' | 'mode'>,
): Extract<PutOutcome, { result: 'conflict' }> | undefined => {
  if (existing === undefined || isHeldBy(session, existing, claim.owner)) return undefined
  const readable = isReadable(existing.record)
  const holder = readable ? existing.record.claim : undefined
  const { lacks, foreignWriters = false } = session.format
  const claimsExpected = !foreignWriters && !lacks.includes('claim')
  const comparable = !readable || holder !== undefined || claimsExpected
  if (mode === 'if-newer' && comparable && claimWins(claim, holder)) return undefined
  return { result: 'conflict', ...(holder === undefined ? {} : { holder }) }
}

/** Why `owner` may not remove what exists; `undefined` when it may. */
export const removalRefusal = (
  session: OwnSession,
  existing: ExistingRecord | undefined,
  owner: string,
): RemoveOutcome | undefined => {
  if (existing === undefined) return { result: 'absent' }
  return isHeldBy(session, existing, owner) ? undefined : { result: 'not-ours' }
}

/**
 * The audit of `ref`. Compares content, not revisions, as a write whose answer was lost has no known
 * revision. `sent` is the last value sent, if any.
 */
export const auditRecord = (
  session: OwnSession,
  { service, id, owner }: OwnedRef,
  existing: ExistingRecord | undefined,
  sent: Uint8Array | undefined,
): Audit => {
  const ref = { service, id, owner }
  if (existing === undefined) return { ...ref, state: 'missing' }
  const { record, value, sessionId } = existing
  const ours = sessionId === session.id && isHeldBy(session, existing, owner)
  if (ours && sent !== undefined && Buffer.compare(sent, value) === 0)
    return { ...ref, state: 'ours' }
  if (!isReadable(record)) return { ...ref, state: ours ? 'edited' : 'replaced' }
  if (ours) return { ...ref, state: 'edited', record }
  const { foreignWriters = false } = session.format
  const foreign = foreignWriters && record.claim === undefined && !isOwn(session, existing)
  return { ...ref, state: 'replaced', record, ...(foreign ? { foreign } : {}) }
}

/** The request that edits a record: the same owner with the next `seq`, which the owner adopts. */
const editedRequest = (
  {
    ttlMs = 0,
    registeredAtMs,
    unknownFields,
  }: Pick<InstanceRecord, 'ttlMs' | 'registeredAtMs' | 'unknownFields'>,
  claim: Claim,
  instance: ServiceInstance,
): PutRequest => {
  return {
    instance,
    claim: { ...claim, seq: claim.seq + 1 },
    mode: 'if-newer',
    ttlMs,
    registeredAtMs: registeredAtMs ?? claim.claimedAtMs,
    ...(unknownFields === undefined ? {} : { unknownFields }),
  }
}

/**
 * The bytes with which `edit` replaces `found`, the value now stored under the record's key.
 * `absent` where nothing is stored; `changed` where the claim differs from that of `record`.
 */
export const editedValue = (
  format: WireFormat,
  record: InstanceRecord,
  found: Uint8Array | undefined,
  instance: ServiceInstance,
): Uint8Array | 'absent' | 'changed' => {
  if (found === undefined) return 'absent'
  const decoded = format.decode(record.key, found)
  if ('skipped' in decoded || decoded.claim === undefined || record.claim === undefined)
    return 'changed'
  const { owner, claimedAtMs, seq } = decoded.claim
  const same =
    owner === record.claim.owner &&
    claimedAtMs === record.claim.claimedAtMs &&
    seq === record.claim.seq
  return same ? format.encode(editedRequest(decoded, decoded.claim, instance)) : 'changed'
}
