import { isParent } from '../keys.ts'
import { findRecord, ifThere } from '../reader/read-scope.ts'
import { type ObservationContext, watchChildren } from './observation-context.ts'

/**
 * Follows whether a service has a record. Watches only one of its records, so that changes of the
 * others cost nothing.
 */
export class NameFollower {
  readonly #context: ObservationContext
  readonly #parent: string
  readonly #changed: () => void
  #record: string | undefined
  /** The service's name, if it had a record when it was last read. */
  service: string | undefined

  /** `changed` is called when `refresh` has something to read. */
  constructor(context: ObservationContext, parent: string, changed: () => void) {
    this.#context = context
    this.#parent = parent
    this.#changed = changed
  }

  async refresh(): Promise<void> {
    this.#record = await this.#watchRecord()
    this.service =
      this.#record === undefined ? undefined : this.#context.keys.serviceOf(this.#record)
  }

  async #watchRecord(): Promise<string | undefined> {
    const { keys, reads, subscription, signal } = this.#context
    // usually the record was only updated
    let record = this.#record
    for (;;) {
      record ??= await findRecord(keys, reads, this.#parent, signal)
      if (record !== undefined) {
        const node = await ifThere(subscription.get(keys.path(record), this.#changed))
        if (node && !isParent(node)) return record
        record = undefined
        continue
      }
      // the list is watched from here on, so the first record is noticed if there is none yet
      const names = await watchChildren(this.#context, keys.path(this.#parent), this.#changed)
      if (names.length === 0) return undefined
      if ((await findRecord(keys, reads, this.#parent, signal)) === undefined) return undefined
    }
  }
}
