import { decodeRecord, type FoundRecord } from '@sd/core/driver'
import type { NodeData, NodeStat, ZooKeeperClient } from '../client/zookeeper-client.ts'
import { zookeeperError } from '../errors.ts'
import { isParent, type Keys } from '../keys.ts'
import { readNodesAt } from '../reader/read-nodes.ts'
import type { ParentVersion, ParentVersions } from './parent-versions.ts'

/** The state a write depends on: the record's node, and the version of the service's node above it. */
export interface NodeRevision {
  /** `undefined` if there is no such node. */
  readonly parent: ParentVersion | undefined
  readonly node: Pick<NodeStat, 'version' | 'ephemeralOwner'> | undefined
}

/** The key of the node above a record. */
export const parentOf = (key: string): string => key.slice(0, key.lastIndexOf('/'))

/** What reading existing nodes depends on. */
export interface NodeReading {
  readonly keys: Keys
  readonly parentVersions: ParentVersions
  /** For errors. */
  readonly operation: string
  /** The id of the driver's session that a node's `ephemeralOwner` belongs to. */
  readonly tiedTo: (ephemeralOwner: string) => string
}

/** A node as the rules of ownership see it. A node above others cannot hold a record. */
const foundNode = (
  { keys, operation, tiedTo }: NodeReading,
  key: string,
  node: NodeData | undefined,
  parent: ParentVersion | undefined,
): FoundRecord<NodeRevision> => {
  if (node === undefined) return { existing: undefined, revision: { parent, node } }
  const { data: value, stat } = node
  const { version, ephemeralOwner } = stat
  const revision = { parent, node: { version, ephemeralOwner } }
  const record = decodeRecord(keys.format, key, value)
  const existing = { record, value, sessionId: tiedTo(stat.ephemeralOwner) }
  // a record may have been overwritten with the data of a node above others, which never had a child
  const used = stat.childCount + stat.childrenVersion + stat.version > 0
  if (stat.childCount === 0 && !(isParent(node) && used)) return { existing, revision }
  const message = `${keys.path(key)} has child nodes, so it cannot hold a record; choose another id or namespace`
  const refusal = zookeeperError('invalid-argument', operation, message, keys.serviceOf(key))
  return { existing, revision, refusal }
}

/**
 * Reads the versions of the nodes above, then the records. Every creation increments the version of the
 * node above, so a write that checks it affects only the nodes that were read. A record's own version
 * is not enough: it begins at 0 when the node is created again, and could match by chance.
 */
export const readNodes = async (
  client: Pick<ZooKeeperClient, 'multiRead'>,
  reading: NodeReading,
  recordKeys: readonly string[],
  signal: AbortSignal,
): Promise<readonly FoundRecord<NodeRevision>[]> => {
  const { keys, parentVersions } = reading
  const parents = [...new Set(recordKeys.map(parentOf))]
  const paths = [...parents, ...recordKeys].map((key) => keys.path(key))
  const nodes = await readNodesAt(client, paths, signal)
  const versions = new Map(
    parents.map((parent, index) => [
      parent,
      parentVersions.found(parent, nodes[index]?.stat.version),
    ]),
  )
  return recordKeys.map((key, index) =>
    foundNode(reading, key, nodes[parents.length + index], versions.get(parentOf(key))),
  )
}
