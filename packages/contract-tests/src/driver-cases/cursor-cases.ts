import {
  type Contents,
  type Cursor,
  type DriverSession,
  type PutRequest,
  type RegistryDriver,
  toCursor,
} from '@sd/core/driver'
import { expect } from 'vitest'
import { codeOf, idsOf, soon } from '../answers.ts'
import { type ContractCase, contractCase } from '../contract-case.ts'
import type { ContractRun } from '../contract-run.ts'
import { eventually } from '../eventually.ts'
import { ids } from '../instances.ts'
import { orders, ref } from '../requests.ts'
import { asked, putOne } from './asked.ts'
import { ObservedView } from './observed-view.ts'

/** The contents of a view, and their cursor. */
interface Seen {
  readonly from: Contents
  readonly cursor: Cursor | undefined
}

const seenBy = (view: ObservedView): Seen => ({
  from: { records: [...view.records.values()], skipped: [] },
  cursor: view.cursor,
})

/** The present contents, observed from a snapshot on. */
const snapshot = async (run: ContractRun, driver: RegistryDriver): Promise<Seen> => {
  const view = new ObservedView(driver)
  await view.until('the snapshot', run.times.slackMs, ({ observations }) => observations.length > 0)
  await view.stop()
  return seenBy(view)
}

/**
 * Resumes from a view until it matches the present contents; returns whether a snapshot was needed.
 */
const goesOn = async (run: ContractRun, seen: Seen): Promise<boolean> => {
  const driver = run.driver()
  const view = new ObservedView(driver, seen)
  await eventually(
    'resuming from the cursor ends with the present contents',
    run.times.slackMs,
    async () => {
      if (view.failure !== undefined) throw view.failure as Error
      const listed = (await driver.list(orders, soon())).records
      const stands = listed.map(({ key, instance }) => `${key} ${instance.weight}`)
      const shown = Array.from(view.records, ([key, { instance }]) => `${key} ${instance.weight}`)
      return view.observations.length > 0 && shown.toSorted().join() === stands.toSorted().join()
    },
    () => view.ids,
  )
  await view.stop()
  return view.observations.some(({ type }) => type === 'snapshot')
}

/**
 * An observation from a cursor whose history is lost: a driver that resumes throws
 * `cursor-expired`, another one begins with a snapshot. A server that has just started may need
 * several attempts.
 */
const startsOver = async (run: ContractRun, { cursor }: Seen): Promise<void> => {
  const { slackMs } = run.times
  const driver = run.driver()
  await eventually('the server answers', slackMs, async () => {
    return (await codeOf(driver.list(orders, soon(1_000)))) === 'none'
  })
  for (const endMs = performance.now() + slackMs; ;) {
    const view = new ObservedView(driver, { cursor })
    // a sign of life may arrive before the server has checked the cursor
    const told = ({ observations }: ObservedView): boolean =>
      observations.some(({ type }) => type !== 'alive')
    const code = await codeOf(view.until('the cursor is accepted or refused', slackMs, told))
    const first = view.observations.find(({ type }) => type !== 'alive')
    await view.stop()
    if (['unavailable', 'timeout'].includes(code) && performance.now() < endMs) continue
    if (run.capabilities.resume) {
      expect(first).toBeUndefined()
      expect(code).toBe('cursor-expired')
    } else {
      expect(code).toBe('none')
      expect(first?.type).toBe('snapshot')
      expect(view.ids).toEqual(await idsOf(driver))
    }
    return
  }
}

/** Writes, with retries: a server that has just started may drop earlier connections. */
const written = async (
  run: ContractRun,
  session: DriverSession,
  request: PutRequest,
): Promise<void> => {
  const { capMs, slackMs } = run.times
  await eventually(`${request.instance.id} is written`, capMs + slackMs, async () => {
    return (await putOne(session, request)) === 'written'
  })
}

/** Writes until the revisions of a new history exceed those of the previous one. */
const writePast = async (run: ContractRun): Promise<void> => {
  const { capMs, slackMs } = run.times
  const session = await eventually('a session is opened', capMs + slackMs, () => run.session())
  for (const id of ids('past', 12)) await written(run, session, asked(id, 'b', 2))
}

/** T15, T16: what a cursor proves. */
export const cursorCases: readonly ContractCase[] = [
  contractCase(
    'T15 resumes from the cursor of any observation, or begins each time with a snapshot',
    [],
    async (run) => {
      const session = await run.session()
      const driver = run.driver()
      await session.put(
        ids('i', 4).map((id) => asked(id, 'a', 1)),
        soon(),
      )
      const atSnapshot = await snapshot(run, driver)
      const view = new ObservedView(driver)
      await view.sees(ids('i', 4), run.times.slackMs)
      await session.put([asked('new', 'a', 1)], soon())
      await view.sees([...ids('i', 4), 'new'], run.times.slackMs)
      await view.stop()
      const atChange = seenBy(view)
      if (run.capabilities.resume)
        for (const observation of view.observations.filter(({ type }) => type !== 'alive'))
          expect(observation.cursor, `of ${observation.type}`).toBeDefined()
      // an update, a removal, and one more, without an observer
      await session.put([asked('i0', 'a', 1, { weight: 7, seq: 1 })], soon())
      await session.remove([ref('i1'), ref('new')], soon())
      await session.put([asked('newer', 'a', 1)], soon())
      for (const seen of [atSnapshot, atChange])
        expect(await goesOn(run, seen)).toBe(!run.capabilities.resume)
      const now = await snapshot(run, driver)
      // nothing has happened since
      expect(await goesOn(run, now)).toBe(!run.capabilities.resume)
    },
  ),

  contractCase(
    'T15 delivers the names that were added and removed since the cursor, or all names',
    [],
    async (run) => {
      const { slackMs } = run.times
      const session = await run.session()
      const driver = run.driver()
      const scope = { services: true } as const
      await session.put([asked('1', 'a', 1)], soon())
      const view = new ObservedView(driver, { scope })
      await view.until('the names', slackMs, ({ services }) => services.has('orders'))
      await view.stop()
      await session.put([asked('1', 'a', 1, { service: 'users' })], soon())
      await session.remove([ref('1')], soon())
      const from = { records: [], skipped: [], services: ['orders'] }
      const later = new ObservedView(run.driver(), { scope, from, cursor: view.cursor })
      await later.until('the present names', slackMs, ({ services, observations }) => {
        return observations.length > 0 && [...services].join() === 'users'
      })
      await later.stop()
      // a driver may repeat all names: only the resulting set counts
      if (!run.capabilities.resume) expect(later.observations[0]?.type).toBe('snapshot')
    },
  ),

  contractCase(
    'T16 treats a cursor that it never returned as expired, or begins with a snapshot',
    [],
    async (run) => {
      await writePast(run)
      await startsOver(run, { from: { records: [], skipped: [] }, cursor: toCursor('nonsense') })
    },
  ),

  contractCase(
    'T16 does not resume from a cursor of before a wipe of the server',
    ['server'],
    async (run) => {
      const { server } = run.harness
      const before = await run.session()
      for (const id of ids('i', 3)) await before.put([asked(id, 'a', 1)], soon())
      const seen = await snapshot(run, run.driver())
      await server?.stop('kill')
      await server?.wipe()
      await server?.start()
      await writePast(run)
      await startsOver(run, seen)
    },
  ),

  contractCase(
    'T16 does not resume from a cursor of before a loss of the history',
    ['loseHistory'],
    async (run) => {
      const before = await run.session()
      await before.put([asked('1', 'a', 1), asked('2', 'a', 1)], soon())
      const seen = await snapshot(run, run.driver())
      await before.remove([ref('1')], soon())
      await writePast(run)
      await run.harness.loseHistory?.(run.namespace)
      await startsOver(run, seen)
    },
  ),

  contractCase(
    'T16 does not resume from a cursor of after the backup that the server was restored from',
    ['backUp'],
    async (run) => {
      const before = await run.session()
      await before.put([asked('kept', 'a', 1)], soon())
      // the backup then includes what a driver stores to distinguish histories
      await snapshot(run, run.driver())
      const backup = await run.harness.backUp?.()
      for (const id of ids('lost', 3)) await written(run, before, asked(id, 'a', 1))
      const seen = await snapshot(run, run.driver())
      await backup?.restore()
      await writePast(run)
      await startsOver(run, seen)
    },
  ),
]
