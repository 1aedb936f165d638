import { randomInt } from 'node:crypto'
import type { Random } from '../driver/driver-context.ts'

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** The machine's randomness. */
export const systemRandom: Random = {
  next: () => Math.random(),
  id: (length) => Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join(''),
}
