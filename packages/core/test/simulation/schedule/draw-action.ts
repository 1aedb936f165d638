import type { SeededRandom } from '../clock/seeded-random.ts'
import { type Operation, places } from './operation.ts'
import type { SimulationConfig } from './schedule.ts'

/** Draws an action of a user. There are few places, so that owners compete for them. */
export const drawAction = (
  random: SeededRandom,
  config: SimulationConfig,
  lengthMs: number,
): Operation => {
  const atMs = random.below(lengthMs)
  const process = random.chance(0.1) ? config.processes - 1 : random.below(config.processes - 1)
  const place = random.chance(0.7) ? random.below(3) : random.below(places.length)
  const dice = random.next()
  if (dice < 0.42)
    return {
      atMs,
      kind: 'register',
      process,
      place,
      onConflict: random.pick([
        'takeover',
        'takeover',
        'takeover',
        'takeover',
        'reject',
        'reject',
        'yield',
      ]),
      waitFor: random.pick(['registered', 'accepted']),
      ...(random.chance(0.15) ? { abortAfterMs: random.between(1, 600) } : {}),
    }
  if (dice < 0.58) return { atMs, kind: 'update', process, place }
  if (dice < 0.82) return { atMs, kind: 'deregister', process, place }
  if (dice < 0.88)
    return {
      atMs,
      kind: 'watch',
      process,
      scope: random.pick(['a', 'b', 'all', 'services']),
      everyMs: random.pick([0, 0, 150]),
    }
  if (dice < 0.91) return { atMs, kind: 'unwatch', process }
  if (dice < 0.93)
    return {
      atMs,
      kind: 'leave',
      process,
      scope: random.pick(['a', 'b', 'all', 'services']),
      afterMs: random.pick([0, 5, 300, 1_500]),
    }
  if (dice < 0.97) return { atMs, kind: 'list', process }
  const operation = random.pick(['open-session', 'open-session', 'put', 'remove'])
  return {
    atMs,
    kind: 'close',
    process: random.below(config.processes - 1),
    ...(random.chance(0.5) ? { afterReply: { operation, turns: random.below(12) } } : {}),
  }
}
