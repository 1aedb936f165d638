import { hash32, mix32 } from '../hash.ts'
import type { Member } from '../member.ts'
import { SlotTable } from './slot-table.ts'

const hashes = 2 ** 32
/** The table is resized to `fill` when its load is above this or below the next. */
const fullest = 0.7
const emptiest = 0.15
const fill = 0.4
/** Places after the last home place, so that runs need not wrap around. */
const tail = 64
const leastPlaces = 256

/** A member's points: the first `count` of an infinite sequence that depends on its id only. */
class Points {
  readonly #first: number
  readonly #step: number
  count = 0

  constructor(id: string) {
    this.#first = hash32(id)
    // odd, so that the sequence has no duplicates
    this.#step = hash32(id, 0x9e3779b9) | 1
  }

  at(index: number): number {
    return mix32((this.#first + Math.imul(index, this.#step)) | 0)
  }
}

/**
 * A consistent hash ring that is updated in place. Each member has points on it; a key belongs to
 * the member of the next point. D. Karger et al., "Consistent hashing and random trees", 1997.
 *
 * The points are in a sorted table with gaps, each at the place that its hash gives or shortly
 * after (ordered linear probing: O. Amble, D. E. Knuth, "Ordered hash tables", 1974). The cost of
 * finding, adding and removing a point does not depend on their number.
 */
export class HashRing {
  readonly #slots = new SlotTable()
  readonly #points = new Map<Member, Points>()
  #places = leastPlaces
  #hashes = new Uint32Array(leastPlaces + tail)
  /** The slot of the point's member + 1; 0: no point here. */
  #owners = new Int32Array(leastPlaces + tail)
  #size = 0

  /** How many points there are. */
  get size(): number {
    return this.#size
  }

  /** Sets how many points a member has; 0 removes it from the ring. */
  set(member: Member, count: number): void {
    let points = this.#points.get(member)
    if (points === undefined) {
      points = new Points(member.id)
      this.#points.set(member, points)
      this.#slots.add(member)
    }
    this.#fit(this.#size + count - points.count)
    const owner = member.index + 1
    while (points.count < count) this.#insert(points.at(points.count++), owner)
    while (points.count > count) this.#delete(points.at(--points.count), owner)
    if (count > 0) return
    this.#points.delete(member)
    this.#slots.remove(member)
  }

  /** The place of the first point at or after `hash`, for `at` and `after`. The ring is not empty. */
  find(hash: number): number {
    let place = this.#home(hash)
    while (place < this.#owners.length) {
      if (this.#owners[place] !== 0 && this.#hashes[place]! >= hash) return place
      place += 1
    }
    return this.after(-1)
  }

  /** The place of the next point, wrapping around. */
  after(place: number): number {
    let next = place + 1
    for (;;) {
      if (next >= this.#owners.length) next = 0
      if (this.#owners[next] !== 0) return next
      next += 1
    }
  }

  /** The member whose point is at this place. */
  at(place: number): Member | undefined {
    return this.#slots.members[this.#owners[place]! - 1]
  }

  #home(hash: number): number {
    return Math.floor(hash * (this.#places / hashes))
  }

  #insert(point: number, pointOwner: number): void {
    let [hash, owner, place] = [point, pointOwner, this.#home(point)]
    for (; this.#owners[place] !== 0; place += 1) {
      if (place === this.#owners.length) {
        // a run reached the end: a larger table spreads its points
        this.#rebuild(this.#places * 2)
        this.#insert(hash, owner)
        return
      }
      const [hashHere, ownerHere] = [this.#hashes[place]!, this.#owners[place]!]
      if (hashHere < hash || (hashHere === hash && this.#precedes(ownerHere, owner))) continue
      this.#hashes[place] = hash
      this.#owners[place] = owner
      ;[hash, owner] = [hashHere, ownerHere]
    }
    this.#hashes[place] = hash
    this.#owners[place] = owner
    this.#size += 1
  }

  #delete(hash: number, owner: number): void {
    let place = this.#home(hash)
    while (this.#hashes[place] !== hash || this.#owners[place] !== owner) place += 1
    for (;;) {
      const next = place + 1
      const nextOwner = this.#owners[next] ?? 0
      // a point at its home place stays
      if (nextOwner === 0 || this.#home(this.#hashes[next]!) === next) break
      this.#hashes[place] = this.#hashes[next]!
      this.#owners[place] = nextOwner
      place = next
    }
    this.#owners[place] = 0
    this.#size -= 1
  }

  /** Orders two points at one place by their members' ids, whichever was added first. */
  #precedes(owner: number, other: number): boolean {
    const { members } = this.#slots
    return (members[owner - 1]?.id ?? '') < (members[other - 1]?.id ?? '')
  }

  #fit(size: number): void {
    const wanted = Math.max(leastPlaces, Math.ceil(size / fill))
    if (size > this.#places * fullest) this.#rebuild(wanted)
    else if (size < this.#places * emptiest && this.#places > leastPlaces) this.#rebuild(wanted)
  }

  #rebuild(places: number): void {
    const [oldHashes, oldOwners] = [this.#hashes, this.#owners]
    this.#places = places
    this.#hashes = new Uint32Array(places + tail)
    this.#owners = new Int32Array(places + tail)
    this.#size = 0
    oldOwners.forEach((owner, place) => {
      if (owner !== 0) this.#insert(oldHashes[place]!, owner)
    })
  }
}
