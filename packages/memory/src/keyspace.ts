/** A stored record, as bytes: the store does not depend on a wire format. */
export interface StoredRecord {
  readonly key: string
  readonly value: Uint8Array
  /** The session that the record ends with; `undefined` if it stays until it is removed. */
  readonly sessionId: string | undefined
  /** The number of the transaction that wrote it. No other history of the store has it too. */
  readonly version: number
}

const firstSegment = (key: string): string => key.slice(0, key.indexOf('/') + 1)

/** The records of one namespace, grouped by first path segment for efficient reads of a service. */
export class Keyspace {
  readonly #groups = new Map<string, Map<string, StoredRecord>>()

  get(key: string): StoredRecord | undefined {
    return this.#groups.get(firstSegment(key))?.get(key)
  }

  set(record: StoredRecord): void {
    const segment = firstSegment(record.key)
    const group = this.#groups.get(segment) ?? new Map<string, StoredRecord>()
    this.#groups.set(segment, group.set(record.key, record))
  }

  delete(key: string): void {
    const segment = firstSegment(key)
    const group = this.#groups.get(segment)
    group?.delete(key)
    if (group?.size === 0) this.#groups.delete(segment)
  }

  /** The records whose key begins with `prefix`. */
  *under(prefix: string): Generator<StoredRecord> {
    const segment = firstSegment(prefix)
    const group = this.#groups.get(segment)
    // a prefix without a slash may match several first segments
    const groups = segment === '' ? this.#groups.values() : group ? [group] : []
    for (const records of groups)
      for (const record of records.values()) if (record.key.startsWith(prefix)) yield record
  }
}
