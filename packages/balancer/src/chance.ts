import type { Random } from '@sd/core'

/** All of randomness that picking needs. */
export type Chance = Pick<Random, 'next'>

/** The machine's. */
export const systemChance: Chance = { next: () => Math.random() }
