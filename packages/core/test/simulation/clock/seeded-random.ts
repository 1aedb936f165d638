import type { Random } from '../../../src/runtime/random.ts'

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** Mixes a seed with the name of its user, so that the draws of one user do not affect another. */
const hash = (seed: number, stream: string): number => {
  let state = (seed ^ 0x9e3779b9) >>> 0
  for (const character of stream) {
    state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0
    state = (state ^ (state >>> 15)) >>> 0
  }
  return state
}

/** Random numbers that repeat for the same seed (mulberry32). */
export class SeededRandom implements Random {
  #state: number

  constructor(seed: number, stream: string) {
    this.#state = hash(seed, stream)
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }

  id(length: number): string {
    let id = ''
    while (id.length < length) id += alphabet[this.below(alphabet.length)]
    return id
  }

  /** A whole number in [0, `bound`). */
  below(bound: number): number {
    return Math.floor(this.next() * bound)
  }

  /** A whole number in [`from`, `to`]. */
  between(from: number, to: number): number {
    return from + this.below(to - from + 1)
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }
}
