import type { Member, Strategy } from '../member.ts'
import type { PickOptions } from '../pick.ts'

/**
 * Remembers the member of each key and returns it while it can be picked. After that the key is
 * moved to another member and stays there. A pick that excludes the key's member uses another one
 * once. Beyond `maxKeys` keys the least recently used one is dropped.
 */
export class Sticky implements Strategy {
  readonly #inner: Strategy
  readonly #maxKeys: number
  /** In the order of their last use. */
  readonly #members = new Map<string, Member>()

  constructor(inner: Strategy, maxKeys: number) {
    this.#inner = inner
    this.#maxKeys = maxKeys
  }

  get timed(): boolean {
    return this.#inner.timed
  }

  get size(): number {
    return this.#inner.size
  }

  add(member: Member): void {
    this.#inner.add(member)
  }

  remove(member: Member): void {
    this.#inner.remove(member)
  }

  reweigh(member: Member, before: number): void {
    this.#inner.reweigh(member, before)
  }

  pick(request: PickOptions | undefined, nowMs: number): Member | undefined {
    const key = request?.key
    if (request === undefined || key === undefined) return this.#inner.pick(request, nowMs)
    const known = this.#members.get(key)
    const stays = known?.home !== undefined
    if (stays && !known.suits(request)) return this.#inner.pick(request, nowMs)
    const member = stays ? known : this.#inner.pick(request, nowMs)
    if (member === undefined) return undefined
    this.#members.delete(key)
    this.#members.set(key, member)
    if (this.#members.size > this.#maxKeys) {
      const [oldest] = this.#members.keys()
      if (oldest !== undefined) this.#members.delete(oldest)
    }
    return member
  }

  settled(): void {}
}
