import { type DecodedRecord, inParallel, type RecordKey, toRecordKey } from '@sd/core/driver'
import { isParent } from '../keys.ts'
import { ifThere, maxReads } from '../reader/read-scope.ts'
import { type ObservationContext, watchChildren } from './observation-context.ts'

/** The records that were written, and those that were removed. */
export interface RecordChanges {
  readonly decoded: readonly DecodedRecord[]
  readonly removed: readonly RecordKey[]
}

/**
 * Follows the records of one service: a watch on their list, and one on each of them. A node that
 * was reported as deleted is read again, as a takeover deletes and creates it in one transaction.
 */
export class ServiceFollower {
  readonly #context: ObservationContext
  readonly #parent: string
  readonly #changed: () => void
  readonly #known = new Set<string>()
  readonly #due = new Set<string>()
  #listDue = true

  /** `changed` is called when `changes` has something to read. */
  constructor(context: ObservationContext, parent: string, changed: () => void) {
    this.#context = context
    this.#parent = parent
    this.#changed = changed
  }

  /** The keys of all records, as of the last reading. */
  get known(): readonly RecordKey[] {
    return Array.from(this.#known, toRecordKey)
  }

  /** Reads the changes since the last call; the first time, everything. */
  async changes(): Promise<RecordChanges> {
    const removed: RecordKey[] = []
    const due = new Set(this.#due)
    this.#due.clear()
    if (this.#listDue) {
      const present = await this.#list()
      for (const key of this.#known)
        if (!present.has(key)) {
          this.#known.delete(key)
          due.delete(key)
          removed.push(toRecordKey(key))
        }
      for (const key of present) if (!this.#known.has(key)) due.add(key)
    }
    const decoded: DecodedRecord[] = []
    await inParallel(due, maxReads, async (key) => {
      const read = await this.#read(key)
      if (read) decoded.push(read)
      else if (this.#known.delete(key)) removed.push(toRecordKey(key))
    })
    for (const { key } of decoded) this.#known.add(key)
    return { decoded, removed }
  }

  async #list(): Promise<ReadonlySet<string>> {
    this.#listDue = false
    const path = this.#context.keys.path(this.#parent)
    const names = await watchChildren(this.#context, path, () => {
      this.#listDue = true
      this.#changed()
    })
    return new Set(names.map((name) => `${this.#parent}/${name}`))
  }

  async #read(key: string): Promise<DecodedRecord | undefined> {
    const { keys, subscription } = this.#context
    const read = subscription.get(keys.path(key), () => {
      this.#due.add(key)
      this.#changed()
    })
    const node = await ifThere(read)
    return node && !isParent(node) ? keys.decode(key, node.data) : undefined
  }
}
