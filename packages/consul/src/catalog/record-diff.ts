import type { InstanceRecord, RecordKey, SkippedRecord } from '@sd/core/driver'
import type { Catalog } from './catalog.ts'
import type { ServiceEntry } from './service-entry.ts'

/** The difference between two answers. */
export interface Difference {
  readonly records: readonly InstanceRecord[]
  readonly skipped: readonly SkippedRecord[]
  readonly removed: readonly RecordKey[]
}

/**
 * Consul answers a change with the complete state. This class finds the changes since the previous
 * answer, so that only those are decoded. It compares contents, as indexes may go back.
 */
export class RecordDiff {
  readonly #catalog: Catalog
  #known: ReadonlyMap<RecordKey, string> = new Map()

  constructor(catalog: Catalog) {
    this.#catalog = catalog
  }

  get size(): number {
    return this.#known.size
  }

  /** The changes in `entries`; the first time, all of them. */
  next(entries: readonly ServiceEntry[]): Difference {
    const known = this.#known
    const stateOf = ({ text, foreign }: ServiceEntry): string => `${foreign ?? ''} ${text}`
    const now = new Map(entries.map((entry) => [entry.key, stateOf(entry)]))
    this.#known = now
    const changed = entries.filter(({ key }) => known.get(key) !== now.get(key))
    return {
      ...this.#catalog.decodeAll(changed),
      removed: [...known.keys()].filter((key) => !now.has(key)),
    }
  }
}
