import { isHeldBy, type OwnedRef, type RemoveOutcome } from '@sd/core/driver'
import { etcdError } from '../errors.ts'
import { commonService, rangesOf, type Store, transact } from '../kv.ts'
import { atRevision } from './put-batch.ts'
import { maxRounds, type SessionState, standingOf } from './session-state.ts'

interface Removal {
  readonly ref: OwnedRef
  readonly key: string
  readonly place: Buffer
  revision: string
  outcome: RemoveOutcome | undefined
}

const removeAll = async (
  store: Store,
  state: SessionState,
  removals: readonly Removal[],
  read: boolean,
  signal: AbortSignal,
): Promise<readonly Removal[]> => {
  const ranges = removals.map(({ place }) => ({ request_range: { key: place } }))
  const response = await transact(
    store,
    'remove',
    read
      ? { success: ranges }
      : {
          compare: removals.map(({ place, revision }) => atRevision(place, revision)),
          success: removals.map(({ place }) => ({ request_delete_range: { key: place } })),
          failure: ranges,
        },
    signal,
    commonService(removals.map(({ ref }) => ref.service)),
  )
  if (!read && response.succeeded) {
    for (const removal of removals) removal.outcome = { result: 'removed' }
    for (const { key } of removals) state.written.delete(key)
    return []
  }
  const found = rangesOf(response)
  for (const [index, removal] of removals.entries()) {
    const kv = found[index]?.kvs[0]
    if (kv === undefined) removal.outcome = { result: 'absent' }
    else if (isHeldBy(standingOf(store, state, removal.key, kv), removal.ref.owner))
      removal.revision = kv.mod_revision
    else removal.outcome = { result: 'not-ours' }
    if (removal.outcome) state.written.delete(removal.key)
  }
  return removals.filter(({ outcome }) => outcome === undefined)
}

/**
 * Removes records whose owner is the one named, whichever of its sessions wrote them. Each
 * deletion is fenced by the revision at which the owner was read, so that a rival who takes over
 * in between is never hit.
 */
export const removeBatch = async (
  store: Store,
  state: SessionState,
  refs: readonly OwnedRef[],
  signal: AbortSignal,
): Promise<readonly RemoveOutcome[]> => {
  const removals = refs.map((ref): Removal => {
    const key = store.format.key(ref, state.leaseId)
    return { ref, key, place: store.keys.absolute(key), revision: '', outcome: undefined }
  })
  let pending: readonly Removal[] = removals
  for (let round = 0; round <= maxRounds && pending.length > 0; round++)
    pending = await removeAll(store, state, pending, round === 0, signal)
  return removals.map(
    ({ outcome, ref }) =>
      outcome ?? {
        result: 'error',
        error: etcdError('unavailable', 'remove', 'contended by other writers', ref.service),
      },
  )
}
