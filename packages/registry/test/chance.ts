/** Repeatable randomness for property tests. */
export interface Chance {
  integer(min: number, max: number): number
  list<T>(min: number, max: number, make: () => T): readonly T[]
  /** A non-empty text of unusual characters, without control characters. */
  text(): string
  host(): string
  port(): number | undefined
  /** `text` with one to three characters inserted, removed or replaced. */
  break(text: string): string
}

const oddTexts = Array.from('abcXYZ019-._~:,;@/?#[]%&=+ !$\'()*<>"\\^`{|}äß漢字🙂')
const oddCharacters = [...oddTexts, '\0', '\n', '\t', '\u00a0', '%00', '%zz', '//', '@@', '::']
const hosts = ['h1', 'a.b.example', 'A-1_b.', '10.0.0.7', '[::1]', '[2001:db8::7]', 'localhost']

/** A generator whose numbers depend only on `seed`. */
export const createChance = (seed: number): Chance => {
  let state = seed
  const next = (): number => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const integer = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1))
  const one = <T>(from: readonly T[]): T => from[integer(0, from.length - 1)] as T
  const list = <T>(min: number, max: number, make: () => T): readonly T[] =>
    Array.from({ length: integer(min, max) }, make)
  return {
    integer,
    list,
    text: () =>
      list(1, 8, () => one(oddTexts))
        .join('')
        .replaceAll('/', '.'),
    host: () => one(hosts),
    port: () => (next() < 0.3 ? undefined : integer(1, 65_535)),
    break: (text) => {
      let broken = text
      for (let times = integer(1, 3); times > 0; times--) {
        const at = integer(0, broken.length)
        const removed = integer(0, 2)
        broken =
          broken.slice(0, at) +
          (next() < 0.7 ? one(oddCharacters) : '') +
          broken.slice(at + removed)
      }
      return broken
    },
  }
}
