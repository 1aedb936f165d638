import { type DecodedRecord, type RecordKey, toRecordKey } from '@sd/core/driver'
import { isParent } from '../keys.ts'
import { ifThere } from '../reader/read-scope.ts'
import { readNodesAt } from '../reader/read-nodes.ts'
import type { ObservationContext } from './observation-context.ts'

/** The records that were written, and those that were removed. */
export interface RecordChanges {
  readonly decoded: readonly DecodedRecord[]
  readonly removed: readonly RecordKey[]
}

/**
 * Follows the records of one service with one watch on the node above them. A node that was reported as
 * deleted is read again, as a takeover deletes and creates it in one transaction.
 */
export class ServiceFollower {
  readonly #context: ObservationContext
  readonly #path: string
  readonly #parent: string
  readonly #changed: () => void
  readonly #known = new Set<string>()
  readonly #due = new Set<string>()
  #listed = false

  /** `changed` is called when `changes` has something to read. */
  constructor(context: ObservationContext, parent: string, changed: () => void) {
    this.#context = context
    this.#path = context.keys.path(parent)
    this.#parent = parent
    this.#changed = changed
  }

  /** The keys of all records, as of the last reading. */
  get known(): readonly RecordKey[] {
    return Array.from(this.#known, toRecordKey)
  }

  /** Reads the changes since the last call; the first time, everything. */
  async changes(): Promise<RecordChanges> {
    const { keys, reads, trees, signal } = this.#context
    if (!this.#listed) {
      await trees.follow(this.#path, ({ path }) => this.#notice(path))
      const found = await ifThere(reads.children(this.#path, signal))
      for (const name of found?.names ?? []) this.#due.add(`${this.#parent}/${name}`)
      this.#listed = true
    }
    const due = [...this.#due]
    this.#due.clear()
    const paths = due.map((key) => keys.path(key))
    const [only] = paths
    const nodes =
      only !== undefined && paths.length === 1
        ? [await ifThere(reads.get(only, signal))] // nearly every change: the smallest request
        : await readNodesAt(reads, paths, signal)
    const decoded: DecodedRecord[] = []
    const removed: RecordKey[] = []
    for (const [index, key] of due.entries()) {
      const node = nodes[index]
      if (node !== undefined && !isParent(node)) {
        decoded.push(keys.decode(key, node.data))
        this.#known.add(key)
      } else if (this.#known.delete(key)) removed.push(toRecordKey(key))
    }
    return { decoded, removed }
  }

  /** Follows the service no longer. */
  leave(): void {
    this.#context.trees.unfollow(this.#path)
  }

  /** The node above the records changes with each creation, and nodes below records are others' records. */
  #notice(path: string): void {
    const name = path.slice(this.#path.length + 1)
    if (name === '' || name.includes('/')) return
    this.#due.add(`${this.#parent}/${name}`)
    this.#changed()
  }
}
