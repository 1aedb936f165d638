import type { Standing } from '@sd/core/driver'
import type { IKeyValue } from 'etcd3'
import type { Store } from '../kv.ts'

/** What a session last wrote, or tried to, at one key. */
export interface Written {
  readonly owner: string
  readonly value: Uint8Array
  /** `undefined` while no answer told it. */
  readonly revision: string | undefined
}

/** What the writes, removals and audits of one session share. */
export interface SessionState {
  readonly leaseId: string
  /** Every lease that this driver holds: records without a claim are ours by them. */
  readonly ownLeases: Pick<ReadonlyMap<string, unknown>, 'has'>
  /** By key relative to the namespace. */
  readonly written: Map<string, Written>
}

/** How often a batch is tried against others that write the same keys. */
export const maxRounds = 5

/**
 * Whether the pair is what this session last wrote or tried to. Its content tells: it holds the
 * claim, and a write whose answer was lost has no known revision.
 */
export const isAsWritten = (
  { leaseId, written }: SessionState,
  key: string,
  kv: IKeyValue,
): boolean => {
  const last = written.get(key)
  return last !== undefined && kv.lease === leaseId && kv.value.equals(last.value)
}

/** What stands at `key`, as the rules of ownership see it. */
export const standingOf = <Pair extends IKeyValue | undefined>(
  { format }: Store,
  { ownLeases }: SessionState,
  key: string,
  kv: Pair,
): Standing | Extract<Pair, undefined> =>
  kv === undefined
    ? (undefined as Extract<Pair, undefined>)
    : { decoded: format.decode(key, kv.value), ownSession: ownLeases.has(kv.lease) }
