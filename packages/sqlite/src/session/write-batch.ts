import type { RegistryError } from '@sd/core/driver'
import { sqliteError } from '../errors.ts'
import type { StoredRecord, Write, Written } from '../worker/store-api.ts'

/** How often a batch is tried against others that write the same keys. */
const maxRounds = 5

/** One record that is written, or with no document removed. */
export interface Entry<Outcome> {
  readonly key: string
  readonly document?: Uint8Array
  /** The revision that is to be there; 0: no record. */
  expected: number
  outcome: Outcome | undefined
}

/** What a batch needs to know of its kind. */
export interface BatchKind<Outcome> {
  readonly operation: string
  send(writes: readonly Write[]): Promise<readonly Written[]>
  /** Why the entry may not replace what stands there; `undefined` when it may. */
  refuse(entry: Entry<Outcome>, standing: StoredRecord | undefined): Outcome | undefined
  done(entry: Entry<Outcome>, revision: number): Outcome
}

/**
 * Writes what still has the revision that is expected. Of the rest it is decided anew, on what
 * stands there instead, and written in the next round: what the format says of a record is only
 * known here, and the store compares and writes in one step.
 */
export const writeBatch = async <Outcome>(
  entries: readonly Entry<Outcome>[],
  kind: BatchKind<Outcome>,
): Promise<readonly (Outcome | { readonly result: 'error'; readonly error: RegistryError })[]> => {
  for (let round = 0; round < maxRounds; round++) {
    const open = entries.filter(({ outcome }) => outcome === undefined)
    if (open.length === 0) break
    const results = await kind.send(
      open.map(({ key, document, expected }) => ({ key, document, expected })),
    )
    for (const [index, entry] of open.entries()) {
      const result = results[index]
      if (result === undefined) continue
      if ('revision' in result) entry.outcome = kind.done(entry, result.revision)
      else {
        entry.outcome = kind.refuse(entry, result.standing)
        entry.expected = result.standing?.revision ?? 0
      }
    }
  }
  return entries.map(({ outcome, key }) => {
    if (outcome !== undefined) return outcome
    const message = `others wrote ${key} in each of ${maxRounds} rounds`
    return { result: 'error', error: sqliteError('unavailable', kind.operation, message) }
  })
}
