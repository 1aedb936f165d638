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
import type { ParentVersion } from './parent-versions.ts'

/** Servers refuse packets above `jute.maxbuffer`, 1,048,575 bytes by default, the client above 1,000,000. */
const maxPacketBytes = 990_000
/** Size of the operations on one record, without its data and its path in two of them. */
const overheadBytes = 120

const anyVersion = -1

/** The expected state of a record that was never written: no record, but its service's node. */
const absent: NodeRevision = { parent: { version: anyVersion }, node: undefined }

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
export interface NodeStore extends Pick<NodeReading, 'keys' | 'parentVersions' | 'tiedTo'> {
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
  const version = depends ? parentVersion : anyVersion
  return creates
    ? { type: 'set', path, data: parentData, version }
    : { type: 'check', path, version }
}

/** The version of each node that was written, or what keeps the stored state from being the expected one. */
type Transacted = Awaited<ReturnType<ZooKeeperClient['multi']>> | 'no node' | 'changed'

const transact = async (
  { client }: NodeStore,
  operations: readonly MultiOperation[],
  signal: AbortSignal,
): Promise<Transacted> => {
  try {
    return await client.multi(operations, signal)
  } catch (error) {
    if (isCode(error, 'NO_NODE')) return 'no node'
    if (isCode(error, 'NODE_EXISTS', 'BAD_VERSION')) return 'changed'
    throw error
  }
}

/** Writes in one transaction; `changed` if the stored state is not the expected one. */
const writeGroup = async (
  store: NodeStore,
  writes: readonly NodeWrite[],
  versions: Map<string, number>,
  signal: AbortSignal,
): Promise<readonly WriteResult<NodeRevision>[]> => {
  const { client, keys, parentVersions, firstCreations } = store
  const fenced: MultiOperation[] = []
  /** Where the operations on each record end, and the fence above it begins. */
  const places = new Map<NodeWrite, { readonly fence: number; readonly last: number }>()
  const created: { readonly parent: string; readonly fence: number }[] = []
  // above new records that nothing was read for
  const unread: string[] = []
  for (const [parent, group] of Map.groupBy(writes, ({ key }) => parentOf(key))) {
    if (!versions.has(parent)) await createParents(client, keys, parent, signal)
    const operations = group.map((write) => operationsOf(store, write))
    const fence = fenceOf(keys, parent, operations.flat(), versions.get(parent) ?? 0)
    const at = fenced.push(fence) - 1
    for (const [index, write] of group.entries()) {
      fenced.push(...(operations[index] ?? []))
      places.set(write, { fence: at, last: fenced.length - 1 })
    }
    if (fence.type === 'set') created.push({ parent, fence: at })
    if (versions.get(parent) === anyVersion) unread.push(parent)
  }
  const written = await firstCreations.run(unread, signal, async () => {
    const first = await transact(store, fenced, signal)
    if (first !== 'no node' || unread.length === 0) return first
    await inParallel(unread, maxReads, (parent) => createParents(client, keys, parent, signal))
    return transact(store, fenced, signal)
  })
  if (typeof written === 'string') return writes.map(() => 'changed')
  const after = new Map<number, ParentVersion>()
  for (const { parent, fence } of created) {
    after.set(fence, parentVersions.created(parent, written[fence] ?? 0))
    const version = versions.get(parent) ?? 0
    // not the written one: later writes depend on what was read, and others may have created records since
    if (version !== anyVersion) versions.set(parent, version + 1)
  }
  return writes.map((write) => {
    const { fence = 0, last = 0 } = places.get(write) ?? {}
    const version = written[last]
    if (version === undefined) return { revision: undefined }
    const node = { version, ephemeralOwner: client.sessionId }
    return { revision: { parent: after.get(fence) ?? write.expected.parent, node } }
  })
}

/**
 * Reads and writes nodes of one session, compared by their versions and that of the node above. With
 * `isKnown` the first write goes without a read: each record of the batch was never written, or is as the
 * session last wrote or audited it, as far as the session knows.
 */
export const conditionalStore = (
  store: NodeStore,
  operation: string,
  isKnown: boolean,
  signal: AbortSignal,
): ConditionalStore<NodeRevision> => {
  const { client, keys, parentVersions, tiedTo, mutex } = store
  const reading = { keys, parentVersions, tiedTo, operation }
  const rootBytes = Buffer.byteLength(keys.root)
  const sizeOf = ({ key, value }: NodeWrite): number =>
    (value?.length ?? 0) + 3 * (rootBytes + key.length) + overheadBytes
  return {
    absent: isKnown ? absent : undefined,
    exclusively: (round) =>
      mutex.run(() => {
        signal.throwIfAborted()
        return round()
      }),
    read: (recordKeys) => readNodes(client, reading, recordKeys, signal),
    write: async (writes) => {
      // of the nodes above: each transaction that creates records increments them for the next
      const versions = new Map<string, number>()
      for (const { key, expected } of writes) {
        const version = expected.parent?.version
        // beside a record that was never written there may be one that the session knows
        if (version !== undefined && (version !== anyVersion || !versions.has(parentOf(key))))
          versions.set(parentOf(key), version)
      }
      const results: WriteResult<NodeRevision>[] = []
      for (const group of groupBySize(writes, maxPacketBytes, sizeOf))
        results.push(...(await writeGroup(store, group, versions, signal)))
      return results
    },
  }
}
