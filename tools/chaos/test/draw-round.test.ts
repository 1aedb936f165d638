import { describe, expect, it } from 'vitest'
import { drawRound, type ScheduleOptions } from '../src/schedule/draw-round.ts'
import type { FaultName, Weather } from '../src/schedule/round.ts'

const every: readonly FaultName[] = [
  'kill-server',
  'stop-server',
  'wipe',
  'freeze',
  'backup',
  'restore',
  'compact',
  'expire-session',
  'reset',
  'partition',
  'one-way',
  'slow',
  'stall',
  'flaky',
  'hang-writes',
]
const options: ScheduleOptions = { seed: 5, ttlMs: 3_000, faults: new Set(every) }
const rounds = Array.from({ length: 60 }, (_, number) => drawRound(options, number))
const isFault = (kind: string): boolean => (every as readonly string[]).includes(kind)

describe('drawRound', () => {
  it('repeats a seed, and differs between seeds and rounds', () => {
    expect(drawRound(options, 3)).toEqual(drawRound(options, 3))
    expect(drawRound(options, 3)).not.toEqual(drawRound({ ...options, seed: 6 }, 3))
    expect(drawRound(options, 3).steps).not.toEqual(drawRound(options, 4).steps)
  })

  it('reaches every weather and every fault', () => {
    const weathers = new Set(rounds.map(({ weather }) => weather))
    expect(weathers).toEqual(new Set<Weather>(['calm', 'short', 'long', 'lossy', 'mixed']))
    const kinds = rounds.flatMap(({ steps }) => steps.map(({ what }) => what.kind))
    expect(new Set(kinds.filter(isFault))).toEqual(new Set(every))
  })

  it('has no fault in calm rounds, and only short ones in short rounds', () => {
    const stepsOf = (weather: Weather) =>
      rounds.filter((round) => round.weather === weather).flatMap(({ steps }) => steps)
    expect(stepsOf('calm').filter(({ what }) => isFault(what.kind))).toEqual([])
    const lengths = stepsOf('short').map(({ what }) => ('forMs' in what ? what.forMs : 0))
    expect(Math.max(...lengths)).toBeLessThan(options.ttlMs / 2)
  })

  it('draws only faults that the backend has', () => {
    const few: ScheduleOptions = { ...options, faults: new Set<FaultName>(['wipe']) }
    const kinds = Array.from({ length: 60 }, (_, number) => drawRound(few, number))
      .flatMap(({ steps }) => steps.map(({ what }) => what.kind))
      .filter(isFault)
    expect(new Set(kinds)).toEqual(new Set(['wipe']))
  })
})
