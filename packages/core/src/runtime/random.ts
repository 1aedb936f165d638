import { randomInt } from 'node:crypto'

/** The source of randomness for core and drivers. Injected, so that simulations are repeatable. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  /** A random id of `length` lower-case letters and digits. */
  id(length: number): string
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** The system's randomness. */
export const systemRandom: Random = {
  next: () => Math.random(),
  id: (length) => Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join(''),
}
