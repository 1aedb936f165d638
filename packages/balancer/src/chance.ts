import type { Random } from '@sd/core'

/** The randomness that picking needs. */
export type Chance = Pick<Random, 'next'>

/** The system's random numbers. */
export const systemChance: Chance = { next: () => Math.random() }
