import { inParallel } from '@sd/core/driver'
import type { NodeData, ZooKeeperClient } from '../client/zookeeper-client.ts'
import type { Keys } from '../keys.ts'
import { ifThere, maxReads } from '../zookeeper-read.ts'

/** What was read before a write that depends on it. */
export interface StandingNodes {
  /** The version of each service's node, by key; not there where there is no such node. */
  readonly parents: ReadonlyMap<string, number>
  /** The nodes of records, by key. */
  readonly records: ReadonlyMap<string, NodeData>
}

/** The key of the node above a record. */
export const parentOf = (key: string): string => key.slice(0, key.lastIndexOf('/'))

/**
 * Reads records, and before them the versions of the nodes above. Every creation counts the version
 * of the node above up, so a write that checks it hits the very nodes that were read: a record's own
 * version begins at 0 again when it is created anew, and could be the same by chance.
 */
export const readStanding = async (
  {
    client,
    keys,
  }: { readonly client: Pick<ZooKeeperClient, 'exists' | 'get'>; readonly keys: Keys },
  recordKeys: readonly string[],
  signal: AbortSignal,
): Promise<StandingNodes> => {
  const parents = new Map<string, number>()
  await inParallel(new Set(recordKeys.map(parentOf)), maxReads, async (parent) => {
    const stat = await client.exists(keys.path(parent), signal)
    if (stat) parents.set(parent, stat.version)
  })
  const records = new Map<string, NodeData>()
  await inParallel(recordKeys, maxReads, async (key) => {
    const node = await ifThere(client.get(keys.path(key), signal))
    if (node) records.set(key, node)
  })
  return { parents, records }
}
