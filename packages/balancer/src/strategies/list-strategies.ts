import type { Chance } from '../chance.ts'
import type { Member, Strategy } from '../member.ts'
import type { PickOptions } from '../pick.ts'

/** After this many unsuitable draws, all members are searched. */
const maxDraws = 8

/**
 * A strategy over a plain list, without weights. Adding, removing and drawing a member take constant
 * time.
 */
abstract class ListStrategy implements Strategy {
  readonly timed = false
  protected readonly members: Member[] = []
  protected readonly random: Chance

  constructor(random: Chance) {
    this.random = random
  }

  get size(): number {
    return this.members.length
  }

  add(member: Member): void {
    member.home = this
    member.index = this.members.push(member) - 1
  }

  /** Removes a member. The last one takes its place. */
  remove(member: Member): void {
    const last = this.members.pop()
    if (last !== undefined && last !== member) {
      this.members[member.index] = last
      last.index = member.index
    }
    member.index = -1
    member.home = undefined
  }

  reweigh(): void {}

  abstract pick(request: PickOptions | undefined): Member | undefined

  settled(): void {}

  /** A random member, suitable or not. */
  #any(): Member | undefined {
    return this.members[Math.floor(this.random.next() * this.members.length)]
  }

  /** A random member that suits the request, all equally likely. */
  protected draw(request: PickOptions | undefined): Member | undefined {
    if (request === undefined) return this.#any()
    for (let draws = 0; draws < maxDraws; draws += 1) {
      const member = this.#any()
      if (member === undefined || member.suits(request)) return member
    }
    return this.#search(request)
  }

  /** Searches all members, for when few suit: reservoir sampling of one. */
  #search(request: PickOptions): Member | undefined {
    let drawn: Member | undefined
    let seen = 0
    for (const member of this.members) {
      if (!member.suits(request)) continue
      seen += 1
      if (this.random.next() * seen < 1) drawn = member
    }
    return drawn
  }
}

/**
 * Picks members in turn, from a random start, so that clients that start together do not stay in
 * step. Ignores weights other than 0. During slow start a member is skipped in proportion to its
 * missing warmth.
 */
export class RoundRobin extends ListStrategy {
  #next = -1

  pick(request: PickOptions | undefined): Member | undefined {
    const { members } = this
    let next = this.#next
    if (next < 0) next = Math.floor(this.random.next() * members.length)
    let cold: Member | undefined
    for (let tries = members.length; tries > 0; tries -= 1) {
      if (next >= members.length) next = 0
      const member = members[next]!
      next += 1
      if (request !== undefined && !member.suits(request)) continue
      if (member.warmth === 1 || this.random.next() < member.warmth) {
        this.#next = next
        return member
      }
      cold ??= member
    }
    this.#next = next
    return cold
  }
}

/** How often a draw is repeated at most because of slow start. */
const maxColdDraws = 8

/**
 * Picks all members with equal probability. Ignores weights other than 0. During slow start the
 * probability is multiplied by the warmth.
 */
export class RandomChoice extends ListStrategy {
  pick(request: PickOptions | undefined): Member | undefined {
    let member = this.draw(request)
    for (let draws = 1; draws < maxColdDraws; draws += 1) {
      if (member === undefined || member.warmth === 1) return member
      if (this.random.next() < member.warmth) return member
      member = this.draw(request)
    }
    return member
  }
}
