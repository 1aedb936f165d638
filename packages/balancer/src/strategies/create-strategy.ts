import type { Random } from '@sd/core'
import type { StrategyName } from '../options/picker-options.ts'
import { P2c } from './p2c.ts'
import { RandomChoice } from './random.ts'
import { RoundRobin } from './round-robin.ts'
import type { Strategy } from './strategy.ts'

/** The strategy of that name. */
export const createStrategy = (name: StrategyName, random: Random): Strategy => {
  switch (name) {
    case 'round-robin':
      return new RoundRobin(random)
    case 'random':
      return new RandomChoice(random)
    case 'p2c':
      return new P2c(random)
  }
}
