import {
  type Contents,
  type DecodedRecord,
  inParallel,
  type Scope,
  toContents,
} from '@sd/core/driver'
import { isCode } from '../client/zookeeper-error.ts'
import { isParent, type Keys } from '../keys.ts'
import type { Reads } from './watches.ts'

/** How many reads of one call are in flight at once: more would only wait in the client. */
export const maxReads = 64

/** The service a scope is about, for error messages. */
export const serviceIn = (scope: Scope): string | undefined =>
  'service' in scope ? scope.service : undefined

/** What a read of one node returned; `undefined` where there is none. */
export const ifThere = async <T>(read: Promise<T>): Promise<T | undefined> => {
  try {
    return await read
  } catch (error) {
    if (isCode(error, 'NO_NODE')) return undefined
    throw error
  }
}

/** The keys of the children of the node at `key` (of the namespace's own, without one). */
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

/** The first record below `parent`, whether it can be read or not. */
export const findRecord = async (
  keys: Keys,
  reads: Reads,
  parent: string,
  signal: AbortSignal,
): Promise<string | undefined> => {
  // one by one: nearly always the first is one
  for (const key of await childKeys(keys, reads, parent, signal)) {
    const node = await ifThere(reads.get(keys.path(key), signal))
    if (node && !isParent(node.data)) return key
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
  const decoded = await inParallel(
    records,
    maxReads,
    async (key): Promise<DecodedRecord | undefined> => {
      const node = await ifThere(reads.get(keys.path(key), signal))
      return node && !isParent(node.data) ? keys.decode(key, node.data) : undefined
    },
  )
  return decoded.filter((item) => item !== undefined)
}

/** Reads a scope. Not at one moment, but at no moment before it was called if a barrier came before. */
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
