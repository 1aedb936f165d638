import { isHeldBy, type OwnedRef, type RemoveOutcome } from '@sd/core/driver'
import { barrier } from '../barrier.ts'
import type { MultiOperation } from '../client/zookeeper-client.ts'
import { isCode, zookeeperError } from '../errors.ts'
import { maxRounds, type SessionState, standingOf } from './session-state.ts'
import { parentOf, readStanding, type StandingNodes } from './standing-nodes.ts'

interface Removal {
  readonly ref: OwnedRef
  readonly key: string
  outcome: RemoveOutcome | undefined
}

const judge = (
  state: SessionState,
  { ref, key }: Removal,
  { records }: StandingNodes,
): RemoveOutcome | undefined => {
  const standing = records.get(key)
  if (standing === undefined) return { result: 'absent' }
  return isHeldBy(standingOf(state, key, standing), ref.owner) ? undefined : { result: 'not-ours' }
}

const removeAll = async (
  state: SessionState,
  removals: readonly Removal[],
  { parents, records }: StandingNodes,
  signal: AbortSignal,
): Promise<void> => {
  const { client, keys } = state
  const checks = Array.from(
    new Set(removals.map(({ key }) => parentOf(key))),
    (parent): MultiOperation => ({
      type: 'check',
      path: keys.path(parent),
      version: parents.get(parent) ?? 0,
    }),
  )
  const deletions = removals.map(({ key }): MultiOperation => ({
    type: 'delete',
    path: keys.path(key),
    version: records.get(key)?.stat.version ?? 0,
  }))
  try {
    await client.multi([...checks, ...deletions], signal)
  } catch (error) {
    if (isCode(error, 'NO_NODE', 'BAD_VERSION')) return
    throw error
  }
  for (const removal of removals) removal.outcome = { result: 'removed' }
}

/**
 * Removes records whose owner is the one named, whichever of its sessions wrote them. Each
 * deletion hits the very node whose owner was read, so that a rival who takes over in between is
 * never hit. The empty node above stays: were it removed, its version would begin at 0 again.
 */
export const removeBatch = async (
  state: SessionState,
  refs: readonly OwnedRef[],
  signal: AbortSignal,
): Promise<readonly RemoveOutcome[]> => {
  const removals = refs.map((ref): Removal => {
    const key = state.keys.format.key(ref, state.id)
    return { ref, key, outcome: undefined }
  })
  // an earlier session may have written over another member, which this one lags behind
  await barrier(state.client, signal)
  let pending: readonly Removal[] = removals
  for (let round = 0; round < maxRounds && pending.length > 0; round++) {
    const recordKeys = pending.map(({ key }) => key)
    const standing = await readStanding(state, recordKeys, signal)
    for (const removal of pending) removal.outcome = judge(state, removal, standing)
    const ours = pending.filter(({ outcome }) => outcome === undefined)
    if (ours.length > 0) await removeAll(state, ours, standing, signal)
    pending = ours.filter(({ outcome }) => outcome === undefined)
  }
  for (const { key, outcome } of removals) if (outcome) state.written.delete(key)
  return removals.map(
    ({ outcome, ref }) =>
      outcome ?? {
        result: 'error',
        error: zookeeperError('unavailable', 'remove', 'contended by other writers', ref.service),
      },
  )
}
