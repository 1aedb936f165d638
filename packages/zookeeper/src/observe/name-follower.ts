import { isParent } from '../keys.ts'
import { findRecord, ifThere } from '../reader/read-scope.ts'
import type { ObservationContext } from './observation-context.ts'

/**
 * Follows whether a service has a record. Watches only one of its records, so that changes of the
 * others cost nothing.
 */
export class NameFollower {
  readonly #context: ObservationContext
  readonly #path: string
  readonly #parent: string
  readonly #changed: () => void
  #record: string | undefined
  /** The service's name, if it had a record when it was last read. */
  service: string | undefined

  /** `changed` is called when `refresh` has something to read. */
  constructor(context: ObservationContext, parent: string, changed: () => void) {
    this.#context = context
    this.#path = context.keys.path(parent)
    this.#parent = parent
    this.#changed = changed
  }

  async refresh(): Promise<void> {
    this.#record = await this.#watchRecord()
    this.service =
      this.#record === undefined ? undefined : this.#context.keys.serviceOf(this.#record)
    if (this.#record !== undefined) this.leave()
  }

  /** Follows the service no longer. */
  leave(): void {
    this.#context.trees.unfollow(this.#path)
  }

  async #watchRecord(): Promise<string | undefined> {
    const { keys, reads, subscription, trees, signal } = this.#context
    // usually the record was only updated
    let record = this.#record
    for (let followed = false; ;) {
      record ??= await findRecord(keys, reads, this.#parent, signal)
      if (record !== undefined) {
        const node = await ifThere(subscription.get(keys.path(record), this.#changed))
        if (node && !isParent(node)) return record
        record = undefined
        continue
      }
      if (followed) return undefined
      // from here on the first record is noticed
      await trees.follow(this.#path, this.#changed)
      followed = true
    }
  }
}
