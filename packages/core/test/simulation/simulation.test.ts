import { describe, expect, it } from 'vitest'
import { coreMutants } from './mutants/core-mutants.ts'
import { findMutant } from './mutants/find-mutant.ts'
import { explainFailure } from './explain-failure.ts'
import { drawSchedule } from './schedule/draw-schedule.ts'
import { simulate } from './world/simulate.ts'

const plant = coreMutants['stay stale'] ?? (() => () => {})

describe('the simulation', () => {
  it('repeats a seed exactly', async () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const traces: string[][] = [[], []]
      for (const trace of traces) await simulate(drawSchedule(seed), (line) => trace.push(line))
      expect(traces[0]?.length).toBeGreaterThan(50)
      expect(traces[1]).toEqual(traces[0])
    }
  })

  it('explains a failing seed with its schedule and a shorter one that still fails', async () => {
    const found = await findMutant({ plant }, 50)
    if (found === undefined) throw new Error('the planted fault was not found')
    const { schedule, violations } = found
    const restore = plant()
    try {
      const text = await explainFailure(schedule, violations)
      expect(text).toContain(`seed ${schedule.seed} (${schedule.kind}) violates`)
      expect(text).toContain(violations[0])
      expect(text).toContain(`--seed ${schedule.seed}`)
      const [whole = '', shrunk = ''] = text.split('it also fails with only these')
      expect(shrunk.match(/ ms {2}/g)?.length).toBeLessThan(whole.match(/ ms {2}/g)?.length ?? 0)
    } finally {
      restore()
    }
  })

  it('reaches every kind of event that it is meant to test', { timeout: 60_000 }, async () => {
    const total = new Map<string, number>()
    const kinds = new Set<string>()
    for (let seed = 1; seed <= 300; seed += 1) {
      const schedule = drawSchedule(seed)
      kinds.add(schedule.kind)
      const { events } = await simulate(schedule)
      for (const [event, times] of events) total.set(event, (total.get(event) ?? 0) + times)
    }
    expect([...kinds].toSorted()).toEqual([
      'blackout',
      'restore',
      'short',
      'slow',
      'storm',
      'tamper',
      'wipe',
    ])
    for (const event of [
      'session-waiting',
      'session-closed',
      'session-close-failed',
      'registration-recovering',
      'registration-superseded',
      'registration-failed',
      'record-replaced',
      'record-missing',
      'record-adopted',
      'record-skipped',
      'record-stray',
      'removals-held',
      'watch-stale',
      'watch-resync',
      'close-incomplete',
    ])
      expect(total.get(event), event).toBeGreaterThan(10)
  })
})
