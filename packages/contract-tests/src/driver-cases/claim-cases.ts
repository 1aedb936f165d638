import type { DriverSession, PutRequest } from '@sd/core/driver'
import { expect } from 'vitest'
import { codeOf, soon } from '../answers.ts'
import { type ContractCase, contractCase } from '../contract-case.ts'
import type { ContractRun } from '../contract-run.ts'
import { eventually, throughout } from '../eventually.ts'
import { ids } from '../instances.ts'
import { ref } from '../requests.ts'
import { asked, claim, putOne, stand, standing } from './asked.ts'

/** How often two sessions race. */
const rounds = 20

interface Racer {
  readonly session: DriverSession
  readonly owner: string
}

/** Two sessions, each on its own driver. */
const racers = async (run: ContractRun): Promise<readonly [Racer, Racer]> => [
  { session: await run.session(), owner: 'a' },
  { session: await run.session(), owner: 'b' },
]

/**
 * Where claims are not atomic: an owner whose put returned `written` learns by audit what is
 * stored.
 */
const auditsAgree = async (run: ContractRun, id: string, told: readonly Racer[]): Promise<void> => {
  const stands = await standing(run.driver(), id)
  const holder = stands?.claim?.owner
  for (const { session, owner } of told) {
    const [audit] = await session.audit([ref(id, owner)], soon())
    const state = holder === undefined ? 'missing' : holder === owner ? 'ours' : 'replaced'
    expect(audit?.state, `${owner}'s audit of ${id}, which is ${holder}'s`).toBe(state)
  }
}

/** An update that arrives too late, or never. */
const late = { weight: 7, seq: 1 }

/** Updates the record that something may still arrive for, and checks that the update stays. */
const laterWriteStays = async (run: ContractRun, session: DriverSession): Promise<void> => {
  const { slackMs } = run.times
  const later = asked('1', 'a', 1, { weight: 9, seq: 2 })
  await eventually(
    'the later write is acknowledged',
    slackMs,
    async () => (await codeOf(putOne(session, later, soon(1_000)))) === 'none',
  )
  const reader = run.driver()
  const weight = async (): Promise<number | undefined> =>
    (await standing(reader, '1'))?.instance.weight
  await eventually('the later write is listed', run.visibleMs, async () => (await weight()) === 9)
  await throughout('the later write stays', 800, async () => (await weight()) === 9)
}

/** T1 … T4, T27, T28: who may overwrite and remove whose record. */
export const claimCases: readonly ContractCase[] = [
  contractCase(
    'T1 lets one of two owners win that create an id at the same time, or both learn the winner by audit',
    [],
    async (run) => {
      const both = await racers(run)
      for (const id of ids('free', rounds)) {
        const create = (owner: string, rank: number): PutRequest =>
          asked(id, owner, rank, { mode: 'if-absent' })
        const results = await Promise.all(
          both.map(({ session, owner }, rank) => putOne(session, create(owner, rank))),
        )
        const winners = both.filter((_, index) => results[index] === 'written')
        if (run.capabilities.atomicClaim) {
          expect(results.toSorted(), id).toEqual(['conflict', 'written'])
          const stands = await standing(run.driver(), id)
          expect(stands?.claim?.owner).toBe(winners[0]?.owner)
        } else await auditsAgree(run, id, winners)
      }
    },
  ),

  contractCase(
    'T1 keeps the higher of two claims that are written at the same time, or both learn by audit which is stored',
    [],
    async (run) => {
      const both = await racers(run)
      for (const [round, id] of ids('fought', rounds).entries()) {
        // the higher claim is sent first in every second round
        const order = round % 2 === 0 ? both : both.toReversed()
        const results = await Promise.all(
          order.map(({ session, owner }) =>
            putOne(session, asked(id, owner, owner === 'b' ? 2 : 1)),
          ),
        )
        const winners = order.filter((_, index) => results[index] === 'written')
        if (run.capabilities.atomicClaim) {
          expect(winners.map(({ owner }) => owner)).toContain('b')
          expect((await standing(run.driver(), id))?.claim?.owner).toBe('b')
        } else await auditsAgree(run, id, winners)
      }
    },
  ),

  contractCase(
    'T2 overwrites another owner’s record only with a higher claim, and never with if-absent',
    [],
    async (run) => {
      const holder = await run.session()
      const rival = await run.session()
      await holder.put([asked('1', 'a', 5), asked('2', 'a', 5), asked('3', 'a', 5)], soon())
      expect(
        await rival.put(
          [
            asked('1', 'b', 4),
            asked('2', 'b', 6),
            asked('3', 'b', 6, { mode: 'if-absent' }),
            asked('4', 'b', 1),
          ],
          soon(),
        ),
      ).toMatchObject([
        { result: 'conflict', holder: claim('a', 5) },
        { result: 'written' },
        { result: 'conflict', holder: claim('a', 5) },
        { result: 'written' },
      ])
      const driver = run.driver()
      for (const [id, owner] of Object.entries({ 1: 'a', 2: 'b', 3: 'a', 4: 'b' }))
        expect((await standing(driver, id))?.claim?.owner, id).toBe(owner)
      // the loser expects its own record, and must not overwrite the one that replaced it
      expect(await putOne(holder, asked('2', 'a', 5))).toBe('conflict')
    },
  ),

  contractCase(
    'T2 lets the same owner overwrite in either mode, also over a higher claim of its own',
    [],
    async (run) => {
      const first = await run.session()
      const second = await run.session()
      await first.put([asked('1', 'a', 5), asked('2', 'a', 5)], soon())
      expect(await putOne(second, asked('1', 'a', 4, { weight: 7, seq: 1 }))).toBe('written')
      expect(await putOne(second, asked('2', 'a', 4, { mode: 'if-absent' }))).toBe('written')
      expect((await standing(run.driver(), '1'))?.instance.weight).toBe(7)
    },
  ),

  contractCase(
    'T2 replaces the whole record when its owner writes again, in place',
    [],
    async (run) => {
      const session = await run.session()
      const driver = run.driver()
      await session.put([asked('1', 'a', 1, { metadata: { text: 'x'.repeat(2_000) } })], soon())
      const before = await standing(driver, '1')
      for (let weight = 1; weight <= 5; weight += 1) {
        expect(await putOne(session, asked('1', 'a', 1, { weight, seq: weight }))).toBe('written')
        const after = await standing(driver, '1')
        expect(after).toMatchObject({ key: before?.key, instance: { weight, metadata: {} } })
        expect(after?.instance.metadata).toEqual({})
      }
    },
  ),

  contractCase(
    'T3 removes an owner’s records of all its sessions, and never another owner’s',
    [],
    async (run) => {
      const [first, second, rival] = [await run.session(), await run.session(), await run.session()]
      await first.put([asked('1', 'a', 1), asked('2', 'a', 1)], soon())
      await rival.put([asked('2', 'b', 2), asked('3', 'b', 2)], soon())
      expect(await second.remove([ref('1'), ref('2'), ref('3'), ref('4')], soon())).toEqual([
        { result: 'removed' },
        { result: 'not-ours' },
        { result: 'not-ours' },
        { result: 'absent' },
      ])
      await stand(run, run.driver(), ['2', '3'])
    },
  ),

  contractCase(
    'T3 keeps a record that another owner takes over during its removal, or reports it missing by audit',
    [],
    async (run) => {
      const [owner, rival] = await racers(run)
      const reader = run.driver()
      // where claims are not atomic, a rival may wait in vain for a record that was removed
      // concurrently
      const races = run.capabilities.atomicClaim ? rounds : 5
      // a backend without sessions takes the loss of most records for the loss of the session
      await rival.session.put(
        ['kept', 'kept-too'].map((id) => asked(id, rival.owner, 1)),
        soon(),
      )
      for (const [round, id] of ids('raced', races).entries()) {
        await owner.session.put([asked(id, owner.owner, 1)], soon())
        const remove = async (): Promise<string> =>
          (await owner.session.remove([ref(id, owner.owner)], soon()))[0]?.result ?? 'no outcome'
        const take = (): Promise<string> =>
          putOne(rival.session, asked(id, rival.owner, 2), soon(run.times.slackMs)).catch(
            (error: unknown) => {
              if (run.capabilities.atomicClaim) throw error
              return 'unknown'
            },
          )
        const [removal, taking] =
          round % 2 === 0
            ? await Promise.all([remove(), take()])
            : (await Promise.all([take(), remove()])).toReversed()
        expect(['removed', 'not-ours']).toContain(removal)
        if (run.capabilities.atomicClaim) {
          expect(taking).toBe('written')
          expect((await standing(reader, id))?.claim?.owner, `${id}, ${removal}`).toBe('b')
        } else if (taking === 'written') await auditsAgree(run, id, [rival])
        // it waited for a record that was removed: core puts again after an unknown outcome
        else expect(await take()).toBe('written')
      }
    },
  ),

  contractCase(
    'T27 keeps the later of two writes of a session when the earlier one arrives late',
    ['delayWrites'],
    async (run) => {
      const session = await run.session()
      await session.put([asked('1', 'a', 1)], soon())
      {
        await using _ = await run.harness.delayWrites?.(500)
        expect(await codeOf(session.put([asked('1', 'a', 1, late)], soon(100)))).not.toBe('none')
      }
      await laterWriteStays(run, session)
    },
  ),

  contractCase(
    'T27 keeps the later of two writes of a session when the earlier one was aborted on a frozen server',
    ['server'],
    async (run) => {
      const session = await run.session()
      await session.put([asked('1', 'a', 1)], soon())
      await run.harness.server?.pause()
      try {
        const writing = session.put([asked('1', 'a', 1, late)], soon(300))
        expect(await codeOf(writing)).not.toBe('none')
      } finally {
        await run.harness.server?.resume()
      }
      await laterWriteStays(run, session)
    },
  ),

  contractCase(
    'T27 keeps a record that its owner registers again while its removal is late',
    ['server'],
    async (run) => {
      const session = await run.session()
      await session.put([asked('1', 'a', 1)], soon())
      await run.harness.server?.pause()
      try {
        expect(await codeOf(session.remove([ref('1')], soon(300)))).not.toBe('none')
      } finally {
        await run.harness.server?.resume()
      }
      await laterWriteStays(run, session)
    },
  ),

  contractCase(
    'T28 reports a record that another owner replaced, and has removed since, as replaced',
    [],
    async (run) => {
      const [session, rival] = [await run.session(), await run.session()]
      await session.put([asked('1', 'a', 1), asked('2', 'a', 1), asked('3', 'a', 1)], soon())
      await rival.put([asked('1', 'b', 2), asked('2', 'b', 2)], soon())
      await rival.remove([ref('1', 'b'), ref('2', 'b')], soon())
      await rival.close(soon())
      const audits = await session.audit([ref('1'), ref('3')], soon())
      expect(audits).toMatchObject([
        { id: '1', state: 'replaced', record: { claim: claim('b', 2) } },
        { id: '3', state: 'ours' },
      ])
      // an update does not bring it back either, and a higher claim does
      expect(await session.put([asked('2', 'a', 1, { seq: 1 })], soon())).toMatchObject([
        { result: 'conflict', holder: claim('b', 2) },
      ])
      expect(await putOne(session, asked('1', 'a', 3))).toBe('written')
      await stand(run, run.driver(), ['1', '3'])
      expect(await session.audit([ref('1')], soon())).toMatchObject([{ state: 'ours' }])
    },
  ),

  contractCase(
    'T28 lets two owners take a record over from each other repeatedly',
    [],
    async (run) => {
      const [session, rival] = [await run.session(), await run.session()]
      for (const at of [1, 3, 5]) {
        expect(await putOne(session, asked('1', 'a', at))).toBe('written')
        expect(await putOne(rival, asked('1', 'b', at + 1))).toBe('written')
      }
      await stand(run, run.driver(), ['1'])
    },
  ),

  contractCase(
    'T4 returns the outcome of each instance of a batch, in order; a refused one affects no other',
    [],
    async (run) => {
      const holder = await run.session()
      const session = await run.session()
      const size = Math.min(run.capabilities.maxBatch, 60)
      const wanted = ids('i', size)
      const taken = wanted.filter((_, index) => index % 3 === 1)
      const took = await holder.put(
        taken.map((id) => asked(id, 'b', 2)),
        soon(),
      )
      expect(took.map(({ result }) => result)).toEqual(taken.map(() => 'written'))
      const outcomes = await session.put(
        wanted.map((id) => asked(id, 'a', 1)),
        soon(),
      )
      expect(outcomes.map(({ result }) => result)).toEqual(
        wanted.map((id) => (taken.includes(id) ? 'conflict' : 'written')),
      )
      const removals = await session.remove(
        wanted.map((id) => ref(id)),
        soon(),
      )
      expect(removals.map(({ result }) => result)).toEqual(
        wanted.map((id) => (taken.includes(id) ? 'not-ours' : 'removed')),
      )
      await stand(run, run.driver(), taken)
    },
  ),
]
