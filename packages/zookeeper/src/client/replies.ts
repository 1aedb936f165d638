import { errorCodeOf } from './error-codes.ts'
import type { LibraryStat } from './library.ts'
import type { MultiOperation, NodeChildren, NodeData, NodeStat } from './zookeeper-client.ts'
import { ZooKeeperError } from './zookeeper-error.ts'

/** Hexadecimal, as ZooKeeper's own tools show it. */
export const sessionIdText = (id: bigint): string => `0x${id.toString(16)}`

const toStat = (stat: LibraryStat): NodeStat => {
  const owner = stat.ephemeralOwner.readBigUInt64BE()
  return {
    createdZxid: stat.czxid.readBigInt64BE(),
    modifiedZxid: stat.mzxid.readBigInt64BE(),
    childrenZxid: stat.pzxid.readBigInt64BE(),
    version: stat.version,
    childrenVersion: stat.cversion,
    ephemeralOwner: owner === 0n ? '' : sessionIdText(owner),
    childCount: stat.numChildren,
  }
}

// The shapes below are those that the library decodes, with null data and lists as `undefined`.

export const readStat = (payload: unknown): NodeStat =>
  toStat((payload as { stat: LibraryStat }).stat)

export const readData = (payload: unknown): NodeData => {
  const { data, stat } = payload as { data?: Buffer; stat: LibraryStat }
  return { data: data ?? new Uint8Array(), stat: toStat(stat) }
}

export const readChildren = (payload: unknown): NodeChildren => {
  const { children, stat } = payload as { children?: string[]; stat: LibraryStat }
  return { names: children ?? [], stat: toStat(stat) }
}

/**
 * Throws if the `multi` was refused, naming the operation that failed: the reply lists those before
 * it as successful, those after it as inconsistent.
 */
export const readMulti = (payload: unknown, operations: readonly MultiOperation[]): void => {
  const { results } = payload as { results: readonly { readonly err?: number }[] }
  const failedAt = results.findIndex(({ err }) => err !== undefined && err !== 0)
  if (failedAt === -1) return
  const { type, path } = operations[failedAt] ?? {}
  const message = `from its ${type} (number ${failedAt}); nothing was done`
  const code = errorCodeOf(results[failedAt]?.err ?? 0)
  throw new ZooKeeperError(code, { operation: 'multi', path, failedAt, message })
}
