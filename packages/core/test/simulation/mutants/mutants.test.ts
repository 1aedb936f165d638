import { describe, expect, it } from 'vitest'
import { drawSchedule } from '../schedule/draw-schedule.ts'
import { simulate } from '../world/simulate.ts'
import { coreMutants } from './core-mutants.ts'
import { driverMutants } from './driver-mutants.ts'
import { findMutant } from './find-mutant.ts'

const mostSeeds = 2_000

const mutants = [
  ...Object.entries(coreMutants).map(([name, plant]) => ({ name, mutant: { plant } })),
  ...Object.entries(driverMutants).map(([name, driver]) => ({ name, mutant: { driver } })),
]

describe('the simulation detects planted faults', () => {
  it.each(mutants)('finds: $name', { timeout: 120_000 }, async ({ mutant }) => {
    const found = await findMutant(mutant, mostSeeds)
    expect(found, `no seed up to ${mostSeeds} found the fault`).toBeDefined()
    // without the fault the same seed passes
    const { seed = 0 } = found?.schedule ?? {}
    expect((await simulate(drawSchedule(seed))).violations).toEqual([])
  })
})
