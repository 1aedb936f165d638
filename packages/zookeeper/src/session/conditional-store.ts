import {
  type ConditionalStore,
  type ConditionalWrite,
  groupBySize,
  inParallel,
  type WriteResult,
} from '@sd/core/driver'
import type { MultiOperation, ZooKeeperClient } from '../client/zookeeper-client.ts'
import { isCode } from '../client/zookeeper-error.ts'
import { type Keys, parentData } from '../keys.ts'
import { maxReads } from '../reader/read-scope.ts'
import { createParents } from './create-parents.ts'
import { type NodeReading, type NodeRevision, parentOf, readNodes } from './existing-nodes.ts'
import type { FirstCreations } from './first-creations.ts'

/** Servers refuse packets above `jute.maxbuffer`, 1,048,575 bytes by default, the client above 1,000,000. */
const maxPacketBytes = 990_000
/** Size of the operations on one record, without its data and its path in two of them. */
const overheadBytes = 120

/** The expected state of a record that was never written: no record, but its service's node. */
const absent: NodeRevision = { parentVersion: -1, node: undefined }

type NodeWrite = ConditionalWrite<NodeRevision>

/** Runs one task after the other. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(work: () => Promise<T>): Promise<T> {
    const running = this.#last.then(work)
    this.#last = running.catch(() => {})
    return running
  }
}

/** State that the reads and writes in one ZooKeeper session share. */
export interface NodeStore extends Pick<NodeReading, 'keys' | 'tiedTo'> {
  readonly client: ZooKeeperClient
  /** For rounds whose writes depend on a read: two at once would outdate each other's read. */
  readonly mutex: Mutex
  readonly firstCreations: FirstCreations
}

/** The operations that create, replace or remove one record's node. */
const operationsOf = (
  { client, keys }: NodeStore,
  { key, value, expected: { node } }: NodeWrite,
): readonly MultiOperation[] => {
  const path = keys.path(key)
  const removal = { type: 'delete', path, version: node?.version ?? 0 } as const
  if (value === undefined) return [removal]
  const creation = { type: 'create', path, data: value, kind: 'ephemeral' } as const
  if (node === undefined) return [creation]
  if (node.ephemeralOwner === client.sessionId && !keys.changesNeedNewNodes)
    return [{ type: 'set', path, data: value, version: node.version }]
  // in one transaction, so that no reader sees the record missing
  return [removal, creation]
}

/**
 * The operation before those on one service's records. A creation increments the version of the node
 * above, and every operation on a node that was read depends on that version.
 */
const fenceOf = (
  keys: Keys,
  parent: string,
  operations: readonly MultiOperation[],
  parentVersion: number,
): MultiOperation => {
  const path = keys.path(parent)
  const creates = operations.some(({ type }) => type === 'create')
  const depends = operations.some(({ type }) => type !== 'create')
  const version = depends ? parentVersion : -1
  return creates
    ? { type: 'set', path, data: parentData, version }
    : { type: 'check', path, version }
}

/** Runs one transaction; returns the code of what keeps the stored state from being the expected one. */
const transact = async (
  { client }: NodeStore,
  operations: readonly MultiOperation[],
  signal: AbortSignal,
): Promise<'written' | 'no node' | 'changed'> => {
  try {
    await client.multi(operations, signal)
    return 'written'
  } catch (error) {
    if (isCode(error, 'NO_NODE')) return 'no node'
    if (isCode(error, 'NODE_EXISTS', 'BAD_VERSION')) return 'changed'
    throw error
  }
}

/** Writes in one transaction; `false` if the stored state is not the expected one. */
const writeGroup = async (
  store: NodeStore,
  writes: readonly NodeWrite[],
  versions: Map<string, number>,
  signal: AbortSignal,
): Promise<boolean> => {
  const { client, keys, firstCreations } = store
  const fenced: MultiOperation[] = []
  const created: string[] = []
  // above new records that nothing was read for
  const unread: string[] = []
  for (const [parent, group] of Map.groupBy(writes, ({ key }) => parentOf(key))) {
    if (!versions.has(parent)) await createParents(client, keys, parent, signal)
    const operations = group.flatMap((write) => operationsOf(store, write))
    const fence = fenceOf(keys, parent, operations, versions.get(parent) ?? 0)
    if (fence.type === 'set') created.push(parent)
    if (versions.get(parent) === -1) unread.push(parent)
    fenced.push(fence, ...operations)
  }
  const written = await firstCreations.run(unread, signal, async () => {
    const first = await transact(store, fenced, signal)
    if (first !== 'no node' || unread.length === 0) return first === 'written'
    await inParallel(unread, maxReads, (parent) => createParents(client, keys, parent, signal))
    return (await transact(store, fenced, signal)) === 'written'
  })
  if (written)
    for (const parent of created) {
      const version = versions.get(parent) ?? 0
      if (version !== -1) versions.set(parent, version + 1)
    }
  return written
}

/**
 * Reads and writes nodes of one session, compared by their versions and that of the node above. With
 * `isNew` nothing of the batch was written before, so the first write expects all to be absent.
 */
export const conditionalStore = (
  store: NodeStore,
  operation: string,
  isNew: boolean,
  signal: AbortSignal,
): ConditionalStore<NodeRevision> => {
  const { client, keys, tiedTo, mutex } = store
  const rootBytes = Buffer.byteLength(keys.root)
  const sizeOf = ({ key, value }: NodeWrite): number =>
    (value?.length ?? 0) + 3 * (rootBytes + key.length) + overheadBytes
  return {
    absent: isNew ? absent : undefined,
    exclusively: (round) =>
      mutex.run(() => {
        signal.throwIfAborted()
        return round()
      }),
    read: (recordKeys) => readNodes(client, { keys, tiedTo, operation }, recordKeys, signal),
    write: async (writes) => {
      // of the nodes above: each transaction that creates records increments them for the next
      const versions = new Map<string, number>()
      for (const { key, expected } of writes)
        if (expected.parentVersion !== undefined)
          versions.set(parentOf(key), expected.parentVersion)
      const results: WriteResult<NodeRevision>[] = []
      for (const group of groupBySize(writes, maxPacketBytes, sizeOf)) {
        const written = await writeGroup(store, group, versions, signal)
        for (const _ of group) results.push(written ? { revision: undefined } : 'changed')
      }
      return results
    },
  }
}
