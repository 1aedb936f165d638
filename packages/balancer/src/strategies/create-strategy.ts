import type { Clock } from '@sd/core'
import type { Chance } from '../chance.ts'
import { ZoneRouter } from '../zone-router.ts'
import { ConsistentHash } from './consistent-hash.ts'
import { P2c } from './p2c.ts'
import { PeakEwma } from './peak-ewma.ts'
import { RandomChoice, RoundRobin } from './list-strategies.ts'
import { Sticky } from './sticky.ts'
import type { ResolvedStrategy } from './strategy-options.ts'
import type { Strategy } from '../member.ts'
import { Weighted } from './weighted.ts'

/** What a strategy is made from. */
export interface StrategyParts {
  readonly strategy: ResolvedStrategy
  readonly zone: { readonly local: string; readonly minInstances: number } | undefined
  readonly clock: Clock
  readonly random: Chance
}

const createWithin = ({ strategy, clock, random }: StrategyParts): Strategy => {
  switch (strategy.name) {
    case 'p2c':
    case 'sticky':
      return new P2c(random)
    case 'peak-ewma':
      return new PeakEwma(random, clock, strategy.decayMs)
    case 'round-robin':
      return new RoundRobin(random)
    case 'weighted':
      return new Weighted(random)
    case 'random':
      return new RandomChoice(random)
    case 'consistent-hash':
      return new ConsistentHash(random, strategy.points, strategy.loadFactor)
  }
}

/** Creates the strategy, one for each zone if zones are used. */
export const createStrategy = (parts: StrategyParts): Strategy => {
  const { strategy, zone, random } = parts
  const create = (): Strategy => createWithin(parts)
  const chosen =
    zone === undefined ? create() : new ZoneRouter(zone.local, zone.minInstances, random, create)
  return strategy.name === 'sticky' ? new Sticky(chosen, strategy.maxKeys) : chosen
}
