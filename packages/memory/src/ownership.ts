import {
  type Audit,
  isHeldBy,
  type OwnedRef,
  putConflict,
  type PutOutcome,
  type PutRequest,
  type Standing,
  toRecordKey,
  type WireFormat,
} from '@sd/core/driver'
import type { StoredRecord } from './keyspace.ts'

/** Who asks: a session, and the format it reads. */
export interface Asker {
  readonly sessionId: string
  readonly format: WireFormat
}

const standingOf = ({ sessionId, format }: Asker, stored: StoredRecord): Standing => ({
  decoded: format.decode(stored.key, stored.value),
  ownSession: stored.sessionId === sessionId,
})

/** Why `request` may not replace `stored`; `undefined` when it may. */
export const conflictWith = (
  asker: Asker,
  stored: StoredRecord | undefined,
  request: PutRequest,
): PutOutcome | undefined => putConflict(asker.format, stored && standingOf(asker, stored), request)

/** Whether `owner` may remove `stored`. */
export const isOwn = (asker: Asker, owner: string, stored: StoredRecord): boolean =>
  isHeldBy(standingOf(asker, stored), owner)

/** What stands at the place of `ref`, compared with what the session last sent there. */
export const compare = (
  asker: Asker,
  ref: OwnedRef,
  stored: StoredRecord | undefined,
  sent: Uint8Array | undefined,
): Audit => {
  const { service, id, owner } = ref
  if (stored === undefined) return { service, id, owner, state: 'missing' }
  const standing = standingOf(asker, stored)
  const { decoded, ownSession } = standing
  const same = sent !== undefined && Buffer.compare(sent, stored.value) === 0
  const state = !ownSession || !isHeldBy(standing, owner) ? 'replaced' : same ? 'ours' : 'edited'
  const record =
    'skipped' in decoded ? {} : { record: { key: toRecordKey(stored.key), ...decoded } }
  return { service, id, owner, state, ...(state === 'ours' ? {} : record) }
}
