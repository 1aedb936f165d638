import { claimWins } from '../model/claim.ts'
import type { ServiceInstance } from '../model/service-instance.ts'
import type { InstanceRecord } from '../model/instance-record.ts'
import type { PutOutcome, PutRequest } from './registry-driver.ts'
import type { WireFormat } from './wire-format.ts'

/** What a driver found where it is about to write or remove. */
export interface Standing {
  /** What the format read there. */
  readonly decoded: ReturnType<WireFormat['decode']>
  /** Whether it is tied to one of the driver's own sessions. */
  readonly ownSession: boolean
}

/** Whether `owner` holds what stands there: by its claim, or where there is none by its session. */
export const isHeldBy = ({ decoded, ownSession }: Standing, owner: string): boolean => {
  const holder = 'skipped' in decoded ? undefined : decoded.claim?.owner
  return holder === undefined ? ownSession : holder === owner
}

/**
 * Why `request` may not be written over what stands there; `undefined` when it may. One rule for
 * every backend: the same owner always passes; over somebody else's only `if-newer` does, where
 * the claim is higher, nothing can be read, or a format that carries claims finds none.
 */
export const putConflict = (
  format: WireFormat,
  standing: Standing | undefined,
  { claim, mode }: Pick<PutRequest, 'claim' | 'mode'>,
): Extract<PutOutcome, { result: 'conflict' }> | undefined => {
  if (standing === undefined || isHeldBy(standing, claim.owner)) return undefined
  const { decoded } = standing
  const readable = !('skipped' in decoded)
  const holder = readable ? decoded.claim : undefined
  const rankable = !readable || holder !== undefined || format.carriesClaims
  if (mode === 'if-newer' && rankable && claimWins(claim, holder)) return undefined
  return { result: 'conflict', ...(holder === undefined ? {} : { holder }) }
}

/** What an edit of `record` writes: the same owner, with its next `seq`, which it adopts. */
export const editedRequest = (record: InstanceRecord, instance: ServiceInstance): PutRequest => {
  const {
    claim = { owner: '', claimedAtMs: 0, seq: 0 },
    ttlMs = 0,
    registeredAtMs = claim.claimedAtMs,
  } = record
  return {
    instance,
    claim: { ...claim, seq: claim.seq + 1 },
    mode: 'if-newer',
    ttlMs,
    registeredAtMs,
  }
}

/** Whether what stands there now bears the claim that `record` was read with. */
export const isAsRead = (decoded: Standing['decoded'], record: InstanceRecord): boolean => {
  if ('skipped' in decoded || decoded.claim === undefined || record.claim === undefined)
    return false
  const { owner, claimedAtMs, seq } = decoded.claim
  const asRead = record.claim
  return owner === asRead.owner && claimedAtMs === asRead.claimedAtMs && seq === asRead.seq
}
