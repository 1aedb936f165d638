import { type Audit, inParallel, type OwnedRef } from '@sd/core/driver'
import type { NodeData } from '../client/zookeeper-client.ts'
import { ifThere, maxReads } from '../zookeeper-read.ts'
import type { SessionState } from './session-state.ts'

const judge = (
  { id: sessionId, keys, written }: SessionState,
  { service, id, owner }: OwnedRef,
  key: string,
  node: NodeData | undefined,
): Audit => {
  const ref = { service, id, owner }
  if (node === undefined) return { ...ref, state: 'missing' }
  const held = keys.decode(key, node.data)
  const record = 'reason' in held ? undefined : held
  const ours = (record?.claim?.owner ?? owner) === owner && node.stat.ephemeralOwner === sessionId
  const last = written.get(key)
  if (ours && last !== undefined && Buffer.compare(node.data, last.value) === 0)
    return { ...ref, state: 'ours' }
  return { ...ref, state: ours ? 'edited' : 'replaced', ...(record ? { record } : {}) }
}

/** Compares what stands at the keys of `refs` with what the session wrote. */
export const auditBatch = (
  state: SessionState,
  refs: readonly OwnedRef[],
  signal: AbortSignal,
): Promise<readonly Audit[]> =>
  inParallel(refs, maxReads, async (ref) => {
    const key = state.keys.format.key(ref, state.id)
    return judge(state, ref, key, await ifThere(state.client.get(state.keys.path(key), signal)))
  })
