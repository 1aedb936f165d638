import type { Audit, OwnedRef } from '@sd/core/driver'
import type { IKeyValue } from 'etcd3'
import { commonService, decodeValue, isRecord, rangesOf, type Store, transact } from '../kv.ts'
import { isAsWritten, type SessionState } from './session-state.ts'

const judge = (
  { format }: Store,
  state: SessionState,
  { service, id, owner }: OwnedRef,
  key: string,
  kv: IKeyValue | undefined,
): Audit => {
  const ref = { service, id, owner }
  if (kv === undefined) return { ...ref, state: 'missing' }
  const held = decodeValue(format, key, kv.value)
  const record = isRecord(held) ? held : undefined
  const holder = record?.claim?.owner ?? owner
  if (holder === owner && isAsWritten(state, key, kv)) {
    const last = state.written.get(key)
    // an answer that was lost: from now on the revision is known
    if (last) state.written.set(key, { ...last, revision: kv.mod_revision })
    return { ...ref, state: 'ours' }
  }
  const ours = holder === owner && kv.lease === state.leaseId
  return { ...ref, state: ours ? 'edited' : 'replaced', ...(record ? { record } : {}) }
}

/**
 * Compares what stands at the keys of `refs` with what the session wrote, in one transaction: it
 * alone tells content, lease and revision of the same moment (LeaseTimeToLive tells keys only,
 * and all of them).
 */
export const auditBatch = async (
  store: Store,
  state: SessionState,
  refs: readonly OwnedRef[],
  signal: AbortSignal,
): Promise<readonly Audit[]> => {
  const keys = refs.map((ref) => store.format.key(ref, state.leaseId))
  const success = keys.map((key) => ({ request_range: { key: store.keys.absolute(key) } }))
  const service = commonService(refs.map((ref) => ref.service))
  const found = rangesOf(await transact(store, 'audit', { success }, signal, service))
  return refs.map((ref, index) =>
    judge(store, state, ref, keys[index] as string, found[index]?.kvs[0]),
  )
}
