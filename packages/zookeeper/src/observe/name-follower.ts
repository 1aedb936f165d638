import { findRecord } from '../zookeeper-read.ts'
import { type Place, watchChildren } from './place.ts'

/**
 * Follows whether a service has a record. While it has some, one of them is watched and no other:
 * what comes and goes beside it costs nothing.
 */
export class NameFollower {
  readonly #place: Place
  readonly #parent: string
  readonly #changed: () => void
  /** The service's name, if it had a record when it was last looked at. */
  service: string | undefined

  /** `changed` tells that `refresh` has something to read. */
  constructor(place: Place, parent: string, changed: () => void) {
    this.#place = place
    this.#parent = parent
    this.#changed = changed
  }

  async refresh(): Promise<void> {
    const record = await this.#watchRecord()
    this.service = record === undefined ? undefined : this.#place.keys.serviceOf(record)
  }

  async #watchRecord(): Promise<string | undefined> {
    const { keys, reads, subscription, signal } = this.#place
    for (;;) {
      const record = await findRecord(keys, reads, this.#parent, signal)
      if (record !== undefined) {
        if (await subscription.exists(keys.path(record), this.#changed)) return record
        continue
      }
      // subscribed now: if there is still none, the first to come will be told
      const names = await watchChildren(this.#place, keys.path(this.#parent), this.#changed)
      if (names.length === 0) return undefined
      if ((await findRecord(keys, reads, this.#parent, signal)) === undefined) return undefined
    }
  }
}
