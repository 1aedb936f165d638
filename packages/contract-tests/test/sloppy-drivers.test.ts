import type { ContractHarness } from '@sd/contract-tests'
import { describe, expect, test } from 'vitest'
import type { ContractCase } from '../src/contract-case.ts'
import { driverCases } from '../src/contract-cases.ts'
import { caseBounds, runContractCase } from '../src/run-contract-case.ts'
import { MemoryWorld } from './sloppy/memory-world.ts'
import { socketHarness } from './sloppy/socket-world.ts'
import { wrongConnections } from './sloppy/wrong-connections.ts'
import { wrongDrivers } from './sloppy/wrong-drivers.ts'
import { wrongSessions } from './sloppy/wrong-sessions.ts'

/**
 * Short limits for wrong drivers, whose cases wait in vain; the right driver has the suite's slack.
 */
const impatient = caseBounds({ ttlMs: 240, graceMs: 60, slackMs: 400, capMs: 100 })
const patient = caseBounds({ ttlMs: 900, graceMs: 60, capMs: 100 })
const timeout = 30_000

type MakeHarness = () => Promise<ContractHarness>

interface Wrong {
  readonly name: string
  readonly caughtBy: readonly string[]
  readonly harness: MakeHarness
}

const wrongs: readonly Wrong[] = [
  ...[...wrongSessions, ...wrongDrivers].map(({ name, caughtBy, make }) => ({
    name,
    caughtBy,
    harness: async () => {
      const world = new MemoryWorld()
      return world.harness(make(world))
    },
  })),
  ...wrongConnections.map(({ name, caughtBy, wrong }) => ({
    name,
    caughtBy,
    harness: () => socketHarness(wrong),
  })),
]

const idOf = ({ name }: ContractCase): string => name.split(' ')[0] ?? ''

const canRun = ({ needs }: ContractCase, harness: ContractHarness): boolean =>
  needs.every((need) => harness[need] !== undefined)

const inTheProcess: MakeHarness = async () => {
  const world = new MemoryWorld()
  return world.harness((namespace) => world.correct(namespace))
}

const plain = await inTheProcess()
const right = [
  ...driverCases
    .filter((driverCase) => canRun(driverCase, plain))
    .map((driverCase) => ({ where: 'in the process', driverCase, harness: inTheProcess })),
  ...driverCases.map((driverCase) => ({
    where: 'over a socket',
    driverCase,
    harness: () => socketHarness(),
  })),
]

/** Runs every case of an id; returns their failures. */
const failuresOf = async (id: string, harness: MakeHarness): Promise<readonly unknown[]> => {
  const outcomes = driverCases
    .filter((driverCase) => idOf(driverCase) === id)
    .map(async (driverCase) => {
      await using own = await harness()
      if (!canRun(driverCase, own)) return undefined
      try {
        await runContractCase(driverCase, own, impatient)
        return undefined
      } catch (error) {
        return error
      }
    })
  return (await Promise.all(outcomes)).filter((failure) => failure !== undefined)
}

describe('a correct driver passes', () => {
  test.concurrent.each(right)(
    '$where: $driverCase.name',
    async ({ driverCase, harness }) => {
      await using own = await harness()
      await expect(runContractCase(driverCase, own, patient)).resolves.toBeUndefined()
    },
    timeout,
  )
})

describe('a wrong driver fails the cases of its obligation', () => {
  test.concurrent.each(wrongs)(
    '$name: $caughtBy',
    async ({ caughtBy, harness }) => {
      for (const id of caughtBy) {
        const failures = await failuresOf(id, harness)
        expect(failures.length, `failing cases of ${id}`).toBeGreaterThan(0)
        // the case fails by its own check, not by a programming error or a closed harness
        for (const failure of failures) {
          expect(failure).not.toBeInstanceOf(TypeError)
          expect(failure).not.toMatchObject({ code: 'unavailable' })
        }
      }
    },
    timeout,
  )

  test('there are at least 25 wrong drivers', () => {
    expect(wrongs.length).toBeGreaterThanOrEqual(25)
    expect(new Set(wrongs.map(({ name }) => name)).size).toBe(wrongs.length)
  })

  test('each obligation of a driver has a wrong driver', () => {
    const catching = new Set(wrongs.flatMap(({ caughtBy }) => caughtBy))
    const ids = new Set(driverCases.map(idOf))
    expect([...ids].filter((id) => !catching.has(id))).toEqual([])
  })
})
