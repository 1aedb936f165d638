import type { SeededRandom } from '../clock/seeded-random.ts'
import { type Operation, places } from './operation.ts'
import type { SeedKind, SimulationConfig } from './schedule.ts'

/** Draws the duration of an outage for this kind of seed. */
const drawLength = (random: SeededRandom, kind: SeedKind, config: SimulationConfig): number => {
  const ttlMs = config.ttlMs * Math.min(1, config.ttlFactor)
  if (kind === 'short') return random.between(20, Math.floor(ttlMs * 0.5) - 20)
  if (kind === 'wipe') return random.between(20, 600)
  return random.chance(0.5)
    ? random.between(20, Math.floor(ttlMs * 0.8))
    : random.between(Math.floor(ttlMs * 0.8), 2_200)
}

const drawOutage = (
  random: SeededRandom,
  kind: SeedKind,
  config: SimulationConfig,
  atMs: number,
): Operation => {
  const forMs = drawLength(random, kind, config)
  const process = random.below(config.processes)
  if (kind === 'wipe') return { atMs, kind: 'wipe', forMs }
  const dice = random.next()
  if (dice < 0.3)
    return { atMs, kind: 'partition', process, forMs, mode: random.pick(['silent', 'refused']) }
  if (dice < 0.5) return { atMs, kind: 'freeze', forMs }
  if (dice < 0.65) return { atMs, kind: 'restart', forMs }
  if (dice < 0.8) return { atMs, kind: 'pause', process, forMs }
  if (dice < 0.88 || kind === 'short') return { atMs, kind: 'cut', process }
  if (dice < 0.94) return { atMs, kind: 'revoke', process }
  return { atMs, kind: 'wipe', forMs }
}

/** Draws a fault at `atMs`. */
export const drawFault = (
  random: SeededRandom,
  kind: SeedKind,
  config: SimulationConfig,
  atMs: number,
): Operation => {
  if (kind === 'tamper')
    return {
      atMs,
      kind: random.pick(['delete', 'garbage', 'edit', 'edit', 'foreign']),
      place: random.below(places.length),
    }
  if (kind !== 'storm' || random.chance(0.45)) return drawOutage(random, kind, config, atMs)
  const process = random.below(config.processes)
  const place = random.below(places.length - 2)
  const dice = random.next()
  if (dice < 0.4)
    return {
      atMs,
      kind: 'weather',
      process,
      forMs: random.between(100, 2_000),
      minDelayMs: random.pick([0, 0, 60]),
      maxDelayMs: random.pick([8, 8, 120]),
      lostRequests: random.pick([0, 0.2, 0.6]),
      lostReplies: random.pick([0, 0.3, 0.7]),
      stragglers: random.pick([0, 0.3, 0.7]),
    }
  if (dice < 0.47) return { atMs, kind: 'compact' }
  if (dice < 0.63) return { atMs, kind: 'delete', place }
  if (dice < 0.69) return { atMs, kind: 'garbage', place }
  if (dice < 0.77) return { atMs, kind: 'edit', place }
  if (dice < 0.82) return { atMs, kind: 'foreign', place }
  if (dice < 0.89) return { atMs, kind: 'deny', place, forMs: random.between(100, 1_500) }
  if (dice < 0.94)
    return {
      atMs,
      kind: 'deny-service',
      service: random.pick(['a', 'b']),
      forMs: random.between(300, 2_500),
    }
  return { atMs, kind: 'crash', process: random.below(config.processes - 1) }
}
