import type { Standing } from '@sd/core/driver'
import type { NodeData, ZooKeeperClient } from '../client/zookeeper-client.ts'
import type { Keys } from '../keys.ts'
import type { Turns } from './turns.ts'

/** What a session last wrote, or tried to, at one key. */
export interface Written {
  readonly owner: string
  readonly value: Uint8Array
}

/** What the writes, removals and audits of one session share. */
export interface SessionState {
  readonly client: ZooKeeperClient
  readonly keys: Keys
  readonly id: string
  /** Every session that this driver holds: records without a claim are ours by them. */
  readonly ownSessions: Pick<ReadonlyMap<string, unknown>, 'has'>
  /** By key. */
  readonly written: Map<string, Written>
  /** For the writes that depend on what was read: one at a time, or they would get in each other's way. */
  readonly turns: Turns
}

/** How often a batch is tried against others that write to the same services. */
export const maxRounds = 8

/** What stands at `key`, as the rules of ownership see it. */
export const standingOf = (
  { keys, ownSessions }: SessionState,
  key: string,
  { data, stat }: NodeData,
): Standing => ({
  decoded: keys.format.decode(key, data),
  ownSession: ownSessions.has(stat.ephemeralOwner),
})

/** The service that all of a batch belongs to, for error messages; `undefined` for a mixed one. */
export const commonService = (services: readonly string[]): string | undefined =>
  services.every((service) => service === services[0]) ? services[0] : undefined
