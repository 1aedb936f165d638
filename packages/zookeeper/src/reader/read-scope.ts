import {
  type Contents,
  type DecodedRecord,
  inParallel,
  type Scope,
  toContents,
} from '@sd/core/driver'
import { isCode } from '../client/zookeeper-error.ts'
import { isParent, type Keys } from '../keys.ts'
import { readNodesAt } from './read-nodes.ts'
import type { Reads } from './watches.ts'

/** How many reads of one call are in flight at once: more would only wait in the client. */
export const maxReads = 64

/** The service a scope is about, for error messages. */
export const serviceIn = (scope: Scope): string | undefined =>
  'service' in scope ? scope.service : undefined

/** The result of a read of one node; `undefined` if there is no node. */
export const ifThere = async <T>(read: Promise<T>): Promise<T | undefined> => {
  try {
    return await read
  } catch (error) {
    if (isCode(error, 'NO_NODE')) return undefined
    throw error
  }
}

/** The keys of the children of the node at `key`; without a key, of the namespace's node. */
const childKeys = async (
  keys: Keys,
  reads: Reads,
  key: string | undefined,
  signal: AbortSignal,
): Promise<readonly string[]> => {
  const path = key === undefined ? keys.root : keys.path(key)
  const found = await ifThere(reads.children(path, signal))
  return (found?.names ?? []).map((name) => (key === undefined ? name : `${key}/${name}`))
}

/** The key of the first record below `parent`, readable or not. */
export const findRecord = async (
  keys: Keys,
  reads: Reads,
  parent: string,
  signal: AbortSignal,
): Promise<string | undefined> => {
  // one by one: usually the first child is a record
  for (const key of await childKeys(keys, reads, parent, signal)) {
    const node = await ifThere(reads.get(keys.path(key), signal))
    if (node && !isParent(node)) return key
  }
  return undefined
}

const readRecords = async (
  keys: Keys,
  reads: Reads,
  parent: string,
  signal: AbortSignal,
): Promise<DecodedRecord[]> => {
  const records = await childKeys(keys, reads, parent, signal)
  const nodes = await readNodesAt(
    reads,
    records.map((key) => keys.path(key)),
    signal,
  )
  return records.flatMap((key, index) => {
    const node = nodes[index]
    return node !== undefined && !isParent(node) ? [keys.decode(key, node.data)] : []
  })
}

/** Reads a scope, not atomically. After a barrier, every read is at least as new as this call. */
export const readScope = async (
  keys: Keys,
  reads: Reads,
  scope: Scope,
  signal: AbortSignal,
): Promise<Contents> => {
  if ('service' in scope)
    return toContents(await readRecords(keys, reads, keys.parent(scope.service), signal))
  const parents = await childKeys(keys, reads, undefined, signal)
  if ('all' in scope) {
    const found = await inParallel(parents, maxReads, (parent) =>
      readRecords(keys, reads, parent, signal),
    )
    return toContents(found.flat())
  }
  const records = await inParallel(parents, maxReads, (parent) =>
    findRecord(keys, reads, parent, signal),
  )
  const names = records.flatMap((key) => (key === undefined ? [] : (keys.serviceOf(key) ?? [])))
  return { records: [], skipped: [], services: names }
}
