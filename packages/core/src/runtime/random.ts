import { randomInt } from 'node:crypto'

/** Randomness, as core and drivers use it. Injected, so that a simulation can be repeated. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  /** A random id of `length` lower-case letters and digits. */
  id(length: number): string
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** The machine's randomness. */
export const systemRandom: Random = {
  next: () => Math.random(),
  id: (length) => Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join(''),
}
