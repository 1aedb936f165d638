import { hash32 } from './hash.ts'
import type { Member } from './member.ts'

/**
 * The same few members for the same client, as long as they are there: rendezvous hashing
 * (D. Thaler, C. Ravishankar, "Using name-based mappings to increase hit rates", 1998). Each client
 * ranks all members by a hash of its own id and theirs, and takes the first `size`. When a member
 * comes or leaves, at most one place of a subset changes.
 */
export class Subset {
  readonly #size: number
  readonly #clientId: string
  readonly #onChange: (member: Member, wanted: boolean) => void
  /** By rank; the first `size` are in. */
  readonly #ranked: Member[] = []

  /** `onChange` is told of each member that comes in or goes out. */
  constructor(size: number, clientId: string, onChange: (member: Member, wanted: boolean) => void) {
    this.#size = size
    this.#clientId = clientId
    this.#onChange = onChange
  }

  add(member: Member): void {
    // a space between, so that no two pairs make the same text by accident
    member.rank = hash32(`${this.#clientId} ${member.id}`)
    const place = this.#placeOf(member)
    this.#ranked.splice(place, 0, member)
    if (place >= this.#size) return
    const pushed = this.#ranked[this.#size]
    if (pushed !== undefined) this.#onChange(pushed, false)
    this.#onChange(member, true)
  }

  remove(member: Member): void {
    const place = this.#placeOf(member)
    this.#ranked.splice(place, 1)
    if (place >= this.#size) return
    this.#onChange(member, false)
    const next = this.#ranked[this.#size - 1]
    if (next !== undefined) this.#onChange(next, true)
  }

  /** Where it is, or belongs. */
  #placeOf(member: Member): number {
    let low = 0
    let high = this.#ranked.length
    while (low < high) {
      const middle = (low + high) >> 1
      const other = this.#ranked[middle]!
      const before =
        other.rank < member.rank || (other.rank === member.rank && other.id < member.id)
      if (before) low = middle + 1
      else high = middle
    }
    return low
  }
}
