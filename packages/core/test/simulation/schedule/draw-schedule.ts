import { SeededRandom } from '../clock/seeded-random.ts'
import type { DriverMutant } from '../driver/driver-profile.ts'
import { drawAction } from './draw-action.ts'
import { drawFault } from './draw-fault.ts'
import { type Operation, places, type WatchScope } from './operation.ts'
import type { Schedule, SeedKind, SimulationConfig } from './schedule.ts'

const kinds: readonly SeedKind[] = [
  'storm',
  'storm',
  'storm',
  'storm',
  'storm',
  'storm',
  'short',
  'blackout',
  'tamper',
  'wipe',
  'restore',
  'slow',
]

const drawConfig = (random: SeededRandom, mutant: DriverMutant | undefined): SimulationConfig => ({
  ttlMs: 1_000,
  ttlFactor: random.pick([1, 1, 1, 1.5, 0.75]),
  graceMs: random.pick([0, 0, 150]),
  backupKeepsLeases: random.chance(0.7),
  capMs: 300,
  callTimeoutMs: random.pick([300, 500]),
  closeTimeoutMs: 800,
  processes: random.pick([3, 3, 3, 4]),
  clockSteps: random.chance(0.15),
  driver: {
    snapshots: random.chance(0.2),
    aliveMs: random.pick([undefined, 250, 250]),
    pushesLoss: random.chance(0.3),
    maxBatch: random.pick([1, 2, 100]),
    mutant,
  },
})

/** The last process only watches, from the start. */
const drawWatches = (random: SeededRandom, processes: number): readonly Operation[] => {
  const scopes: readonly WatchScope[] = ['a', 'a', 'b', 'all', 'services']
  const first: Operation = {
    atMs: 0,
    kind: 'watch',
    process: processes - 1,
    scope: 'a',
    everyMs: 0,
  }
  const more = Array.from({ length: random.below(3) }, (): Operation => ({
    atMs: random.below(2_000),
    kind: 'watch',
    process: random.pick([0, processes - 1, processes - 1]),
    scope: random.pick(scopes),
    everyMs: random.pick([0, 0, 90, 400]),
  }))
  return [first, ...more]
}

const registerAll = (random: SeededRandom, atLeast: number): readonly Operation[] =>
  places.flatMap((_, place): readonly Operation[] =>
    place >= atLeast && random.chance(0.5)
      ? []
      : [
          {
            atMs: random.below(300),
            kind: 'register',
            process: place % 2,
            place,
            onConflict: 'takeover',
            waitFor: random.pick(['registered', 'accepted']),
          },
        ],
  )

/** Registers over a link that delays writes, and deregisters before they arrive. */
const drawTakenBack = (random: SeededRandom, lengthMs: number): readonly Operation[] => {
  const atMs = random.below(lengthMs)
  const where = { process: random.below(2), place: random.below(places.length) }
  return [
    {
      atMs,
      kind: 'weather',
      process: where.process,
      forMs: 1_000,
      minDelayMs: 0,
      maxDelayMs: 8,
      lostRequests: 0,
      lostReplies: 0.2,
      stragglers: 0.6,
    },
    { atMs: atMs + 20, kind: 'register', ...where, onConflict: 'takeover', waitFor: 'accepted' },
    { atMs: atMs + random.between(100, 700), kind: 'deregister', ...where },
  ]
}

/** A backup, and a while later the return to it. */
const drawReturn = (
  random: SeededRandom,
  lengthMs: number,
  away: readonly number[],
): readonly Operation[] => {
  const atMs = random.between(300, lengthMs)
  const restoreAtMs = atMs + random.between(100, 2_500)
  // away while others write past its last position
  const partition: Operation = {
    atMs: restoreAtMs - random.below(100),
    kind: 'partition',
    process: random.pick(away),
    forMs: random.between(300, 1_200),
    mode: random.pick(['silent', 'refused']),
  }
  return [
    { atMs, kind: 'back-up' },
    { atMs: restoreAtMs, kind: 'restore', forMs: random.between(20, 600) },
    ...(random.chance(0.5) ? [partition] : []),
  ]
}

/** Registrations change between a backup and the return to it. */
const drawRestore = (random: SeededRandom, config: SimulationConfig): readonly Operation[] => {
  const change = (): Operation => {
    const place = random.below(places.length)
    const where = { atMs: random.between(600, 4_000), process: random.below(2), place }
    const dice = random.next()
    if (dice < 0.4) return { ...where, kind: 'deregister' }
    if (dice < 0.65) return { ...where, kind: 'update' }
    return { ...where, kind: 'register', onConflict: 'takeover', waitFor: 'registered' }
  }
  const away = drawReturn(random, 1_500, [config.processes - 1])
  const [backedUpMs = 0, restoredMs = 0] = away.map(({ atMs }) => atMs)
  const registered = 4
  const place = random.below(registered)
  return [
    ...registerAll(random, registered),
    // its session goes on, and the backup ties the record to it again
    { atMs: random.between(backedUpMs, restoredMs), kind: 'deregister', process: place % 2, place },
    ...Array.from({ length: random.between(1, 6) }, change),
    ...away,
    ...(random.chance(0.15)
      ? [{ atMs: random.between(800, 3_500), kind: 'crash', process: 1 } as const]
      : []),
  ]
}

const drawStorm = (random: SeededRandom, config: SimulationConfig): readonly Operation[] => {
  const lengthMs = random.between(2_000, 5_000)
  const actions = Array.from({ length: random.between(6, 16) }, () =>
    drawAction(random, config, lengthMs),
  )
  const faults = Array.from({ length: random.between(1, 9) }, () =>
    drawFault(random, 'storm', config, random.below(lengthMs)),
  )
  return [
    ...(random.chance(0.5) ? registerAll(random, 2) : []),
    ...(random.chance(0.2) ? drawTakenBack(random, lengthMs) : []),
    ...(random.chance(0.15) ? drawReturn(random, lengthMs, [0, config.processes - 1]) : []),
    ...actions,
    ...faults,
  ]
}

/** Outages one after the other, with time to recover between them. */
const drawOutages = (
  random: SeededRandom,
  kind: SeedKind,
  config: SimulationConfig,
): readonly Operation[] => {
  const outages: Operation[] = []
  const roomMs = kind === 'wipe' ? 5_000 : 1.3 * config.ttlMs * Math.max(1, config.ttlFactor)
  let atMs = random.between(700, 1_500)
  for (let left = random.between(1, kind === 'wipe' ? 1 : 4); left > 0; left -= 1) {
    const fault = drawFault(random, kind, config, atMs)
    outages.push(fault)
    atMs += ('forMs' in fault ? fault.forMs : 0) + roomMs + random.below(500)
  }
  const updates = Array.from({ length: random.below(4) }, (): Operation => ({
    atMs: random.between(400, 4_000),
    kind: 'update',
    process: random.below(2),
    place: random.below(places.length),
  }))
  return [...registerAll(random, 4), ...outages, ...updates]
}

/** No fault; the last operation only makes the run long enough. */
const drawSlow = (random: SeededRandom): readonly Operation[] => [
  ...registerAll(random, 3),
  ...Array.from({ length: random.below(4) }, (): Operation => ({
    atMs: random.between(400, 4_000),
    kind: 'update',
    process: random.below(2),
    place: random.below(places.length),
  })),
  { atMs: 6_000, kind: 'list', process: 0 },
]

/** The schedule of a seed. */
export const drawSchedule = (seed: number, mutant?: DriverMutant): Schedule => {
  const random = new SeededRandom(seed, 'schedule')
  const kind = random.pick(kinds)
  const config = drawConfig(random, mutant)
  const body =
    kind === 'storm'
      ? drawStorm(random, config)
      : kind === 'slow'
        ? drawSlow(random)
        : kind === 'restore'
          ? drawRestore(random, config)
          : drawOutages(random, kind, config)
  const operations = [...drawWatches(random, config.processes), ...body].toSorted(
    (a, b) => a.atMs - b.atMs,
  )
  return { seed, kind, config, operations }
}
