import type { Link } from '../timeline/timeline-event.ts'
import { Dice } from './dice.ts'
import {
  type Action,
  type Fault,
  type FaultName,
  owners,
  type Round,
  services,
  type Step,
  watchers,
  type Weather,
} from './round.ts'

/** What a schedule is drawn for. */
export interface ScheduleOptions {
  readonly seed: number
  readonly ttlMs: number
  /** The faults that this backend supports. */
  readonly faults: ReadonlySet<FaultName>
}

/** Ids that several owners ask for. */
const contestedIds = ['shared-1', 'shared-2', 'shared-3']

/** Ids that only this owner registers: what happens to them is known for certain. */
export const ownIds = (place: string): readonly string[] => [
  `${place}-a`,
  `${place}-b`,
  `${place}-c`,
]

const linkOf = (dice: Dice): Link => (dice.chance(0.5) ? 'a' : 'b')

const drawAction = (dice: Dice, ttlMs: number, weather: Weather): Action => {
  const place = dice.pick(owners)
  const service = dice.pick(services)
  const id = dice.pick([...ownIds(place), ...contestedIds, ...contestedIds])
  const roll = dice.next()
  if (roll < 0.34) {
    const onConflict = dice.chance(0.2) ? 'reject' : 'takeover'
    const waitFor = dice.chance(0.5) ? 'registered' : 'accepted'
    return { kind: 'register', place, service, id, onConflict, waitFor }
  }
  if (roll < 0.54) return { kind: 'update', place, which: dice.between(0, 99) }
  if (roll < 0.68) return { kind: 'deregister', place, which: dice.between(0, 99) }
  const anywhere = dice.pick([...owners, ...watchers])
  if (roll < 0.76) {
    const scope = dice.pick(['all', 'services', { service }] as const)
    return { kind: 'watch', place: anywhere, scope }
  }
  if (roll < 0.82) return { kind: 'unwatch', place: anywhere }
  if (roll < 0.9) return { kind: 'list', place: anywhere, service }
  const longest = weather === 'short' ? 0.35 : 2
  if (roll < 0.95)
    return { kind: 'pause', place: anywhere, forMs: dice.between(100, longest * ttlMs) }
  return { kind: dice.chance(0.6) ? 'kill' : 'leave', place: anywhere }
}

const lasting: Readonly<Record<Weather, readonly FaultName[]>> = {
  calm: [],
  short: ['freeze', 'partition', 'one-way', 'stall', 'slow', 'reset', 'kill-server', 'compact'],
  long: [
    'freeze',
    'kill-server',
    'stop-server',
    'partition',
    'one-way',
    'stall',
    'slow',
    'flaky',
    'hang-writes',
    'kill-leader',
    'freeze-member',
  ],
  lossy: ['wipe', 'backup', 'restore', 'restore', 'expire-session', 'compact', 'kill-server'],
  mixed: [
    'freeze',
    'kill-server',
    'wipe',
    'backup',
    'restore',
    'compact',
    'expire-session',
    'partition',
    'one-way',
    'stall',
    'slow',
    'flaky',
    'hang-writes',
    'kill-leader',
    'freeze-member',
  ],
}

const drawFault = (dice: Dice, ttlMs: number, kind: FaultName, weather: Weather): Fault => {
  const share = weather === 'short' ? dice.between(5, 35) : dice.between(10, 250)
  const forMs = Math.round((share / 100) * ttlMs)
  const link = linkOf(dice)
  switch (kind) {
    case 'kill-server':
    case 'stop-server':
    case 'kill-leader':
      return { kind, forMs: weather === 'short' ? 0 : forMs }
    case 'wipe':
    case 'freeze':
      return { kind, forMs }
    case 'freeze-member':
      return { kind, forMs, which: dice.between(0, 99) }
    case 'backup':
    case 'restore':
    case 'compact':
      return { kind }
    case 'expire-session':
      return { kind, place: dice.pick(owners) }
    case 'reset':
      return { kind, link }
    case 'partition':
    case 'stall':
      return { kind, link, forMs }
    case 'one-way':
      return { kind, link, forMs, from: dice.chance(0.5) ? 'client' : 'server' }
    case 'slow':
      // a round trip below ttl/6 is answered in time whatever it is
      return { kind, link, forMs, delayMs: dice.between(10, Math.floor(ttlMs / 16)) }
    case 'flaky':
      return { kind, link, forMs, bytes: dice.between(100, 20_000) }
    case 'hang-writes':
      return { kind, link, forMs, bytes: dice.between(200, 4_000) }
  }
}

const weathers: readonly Weather[] = ['calm', 'short', 'short', 'long', 'lossy', 'mixed']

/** The round with that number: the same for the same options. */
export const drawRound = (options: ScheduleOptions, number: number): Round => {
  const { seed, ttlMs, faults } = options
  const dice = new Dice(seed, `round ${number}`)
  // a short run sees each kind of weather early
  const weather = dice.chance(0.5)
    ? dice.pick(weathers)
    : (weathers[(number + seed) % weathers.length] ?? 'mixed')
  const lastsMs = dice.between(6_000, 14_000)
  const steps: Step[] = []
  for (let afterMs = 0; afterMs < lastsMs; afterMs += dice.between(50, 900))
    steps.push({ afterMs, what: drawAction(dice, ttlMs, weather) })
  const kinds = lasting[weather].filter((kind) => faults.has(kind))
  const between = weather === 'short' ? [2_000, 5_000] : [500, 4_500]
  if (kinds.length > 0)
    for (
      let afterMs = dice.between(0, 2_500);
      afterMs < lastsMs;
      afterMs += dice.between(between[0] ?? 0, between[1] ?? 0)
    )
      steps.push({ afterMs, what: drawFault(dice, ttlMs, dice.pick(kinds), weather) })
  return { number, weather, steps: steps.toSorted((one, other) => one.afterMs - other.afterMs) }
}
