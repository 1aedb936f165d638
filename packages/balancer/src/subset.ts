import { hash32 } from './hash.ts'
import type { Member } from './member.ts'

/**
 * Selects the same few members for the same client while they are registered: rendezvous hashing
 * (D. Thaler, C. Ravishankar, "Using name-based mappings to increase hit rates", 1998). Each client
 * ranks all members by a hash of its own id and theirs, and takes the first `size`. When a member
 * joins or leaves, at most one place of a subset changes.
 */
export class Subset {
  readonly #size: number
  readonly #clientId: string
  readonly #onChange: (member: Member, wanted: boolean) => void
  /** Sorted by rank; the first `size` are in the subset. */
  readonly #ranked: Member[] = []

  /** `onChange` is called for each member that enters or leaves the subset. */
  constructor(size: number, clientId: string, onChange: (member: Member, wanted: boolean) => void) {
    this.#size = size
    this.#clientId = clientId
    this.#onChange = onChange
  }

  add(member: Member): void {
    // the space keeps different pairs from making the same text
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

  /** The place of the member, or where to insert it. */
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
