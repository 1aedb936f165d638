import { groupBySize, RegistryError } from '@sd/core/driver'
import type { KeyValue } from '../client/codec/messages.ts'
import { type Store, type StoreCall, transact } from '../client/kv.ts'

/** A key that is missing now, and the revision at which this session wrote it. */
interface DeletedKey {
  readonly key: string
  readonly after: string
}

/** A key at a revision of etcd's history. */
interface Position {
  readonly key: string
  readonly revision: bigint
}

interface Search {
  readonly key: string
  readonly written: bigint
  /** The key exists at `from`, and not at `to`. */
  from: bigint
  to: bigint
}

/** Keys in one search, and the revisions at which one transaction looks for each of them. */
const searchedKeys = 16
const probes = 7n
/** Enough for 16 million revisions; a search that takes longer is given up. */
const mostRounds = 8

const probed = ({ key, from, to }: Search): readonly Position[] =>
  Array.from({ length: Number(probes) }, (_, index) => ({
    key,
    revision: from + ((to - from) * BigInt(index + 1)) / (probes + 1n),
  }))

const readAt = async (
  store: Store,
  { operation, service, signal }: StoreCall,
  positions: readonly Position[],
  keysOnly: boolean,
): Promise<{ readonly found: readonly (KeyValue | undefined)[]; readonly now: bigint }> => {
  const success = positions.map(({ key, revision }) => ({
    request_range: {
      key: store.keys.absolute(key),
      revision: String(revision),
      keys_only: keysOnly,
    },
  }))
  const response = await transact(store, operation, { success }, signal, service)
  const found = response.ranges.map(({ kvs }) => kvs[0])
  return { found, now: BigInt(response.header.revision) }
}

/** The last value of each key before its deletion, if it is not that of `after`. */
const search = async (
  store: Store,
  call: StoreCall,
  deleted: readonly DeletedKey[],
): Promise<ReadonlyMap<string, Uint8Array>> => {
  const own = deleted.map(({ key, after }) => ({ key, revision: BigInt(after) }))
  const { found: written, now } = await readAt(store, call, own, true)
  // another revision there: the server has another history, such as that of a backup
  const searches = own.flatMap(({ key, revision }, index): Search[] =>
    written[index]?.mod_revision === String(revision)
      ? [{ key, written: revision, from: revision, to: now }]
      : [],
  )
  for (let round = 0; round < mostRounds; round += 1) {
    const open = searches.filter(({ from, to }) => to - from > 1n)
    if (open.length === 0) break
    const positions = open.map(probed)
    const { found } = await readAt(store, call, positions.flat(), true)
    for (const [index, one] of open.entries())
      for (const [probe, { revision }] of (positions[index] ?? []).entries()) {
        const exists = found[index * Number(probes) + probe] !== undefined
        if (exists && revision > one.from) one.from = revision
        if (exists) continue
        one.to = revision
        break
      }
  }
  const settled = searches.filter(({ from, to }) => to - from <= 1n)
  const last = settled.map(({ key, from }) => ({ key, revision: from }))
  const { found } = last.length === 0 ? { found: [] } : await readAt(store, call, last, false)
  const values = new Map<string, Uint8Array>()
  for (const [index, { key, written: revision }] of settled.entries()) {
    const kv = found[index]
    if (kv !== undefined && kv.mod_revision !== String(revision)) values.set(key, kv.value)
  }
  return values
}

/**
 * What each deleted key held last, found in etcd's history; `undefined` where it was the session's
 * own write, or where the history is compacted. Reads at several revisions in one transaction. A
 * watch would wait for ever where the server has lost that history.
 */
export const replacedBy = async (
  store: Store,
  call: StoreCall,
  deleted: readonly DeletedKey[],
): Promise<readonly (Uint8Array | undefined)[]> => {
  try {
    const portions = groupBySize(deleted, searchedKeys, () => 1)
    const found = await Promise.all(portions.map((portion) => search(store, call, portion)))
    const values = new Map(found.flatMap((each) => [...each]))
    return deleted.map(({ key }) => values.get(key))
  } catch (error) {
    // the history is compacted, or shorter than the revision
    if (error instanceof RegistryError && error.code === 'cursor-expired')
      return deleted.map(() => undefined)
    throw error
  }
}
