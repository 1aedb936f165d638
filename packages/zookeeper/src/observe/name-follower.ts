import { isParent } from '../keys.ts'
import { findRecord, ifThere } from '../zookeeper-read.ts'
import { type Place, watchChildren } from './place.ts'

/**
 * Follows whether a service has a record. While it has some, one of them is watched and no other:
 * what comes and goes beside it costs nothing.
 */
export class NameFollower {
  readonly #place: Place
  readonly #parent: string
  readonly #changed: () => void
  #record: string | undefined
  /** The service's name, if it had a record when it was last looked at. */
  service: string | undefined

  /** `changed` tells that `refresh` has something to read. */
  constructor(place: Place, parent: string, changed: () => void) {
    this.#place = place
    this.#parent = parent
    this.#changed = changed
  }

  async refresh(): Promise<void> {
    this.#record = await this.#watchRecord()
    this.service = this.#record === undefined ? undefined : this.#place.keys.serviceOf(this.#record)
  }

  async #watchRecord(): Promise<string | undefined> {
    const { keys, reads, subscription, signal } = this.#place
    // nearly always it was only updated
    let record = this.#record
    for (;;) {
      record ??= await findRecord(keys, reads, this.#parent, signal)
      if (record !== undefined) {
        const node = await ifThere(subscription.get(keys.path(record), this.#changed))
        if (node && !isParent(node.data)) return record
        record = undefined
        continue
      }
      // subscribed now: if there is still none, the first to come will be told
      const names = await watchChildren(this.#place, keys.path(this.#parent), this.#changed)
      if (names.length === 0) return undefined
      if ((await findRecord(keys, reads, this.#parent, signal)) === undefined) return undefined
    }
  }
}
