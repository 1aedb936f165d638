import type { DriverSession, RegistryError } from '@sd/core/driver'
import { expect } from 'vitest'
import { codeOf, idsOf, soon } from '../answers.ts'
import { type ContractCase, contractCase } from '../contract-case.ts'
import type { ContractRun } from '../contract-run.ts'
import { eventually, pass, throughout } from '../eventually.ts'
import { ids } from '../instances.ts'
import { ref } from '../requests.ts'
import { asked, putOne, stand, standing } from './asked.ts'

const lost = { code: 'session-lost' }

/**
 * Calls until the driver reports the session as lost. A client may have to reconnect first, and a
 * heartbeat may not be due yet; any other failure must be retryable.
 */
const tellsLost = async (
  run: ContractRun,
  session: DriverSession,
  call: () => Promise<unknown>,
): Promise<void> => {
  await eventually('session-lost is thrown', session.grantedTtlMs + run.times.slackMs, async () => {
    try {
      await call()
      return false
    } catch (error) {
      expect(error).toMatchObject({ retryable: true })
      return (error as RegistryError).code === 'session-lost'
    }
  })
  expect(session.lost.aborted).toBe(true)
  expect(session.lost.reason).toMatchObject(lost)
}

/** A session with the suite's ttl and one record, ended out of band. */
const expired = async (run: ContractRun): Promise<DriverSession> => {
  const session = await run.session(run.driver(), run.times.ttlMs)
  await session.put([asked('1', 'a', 1)], soon())
  await run.harness.expireSession?.(session.id, run.namespace)
  return session
}

/** Closes a session as core does: retries until it is acknowledged. */
const acknowledged = async (run: ContractRun, session: DriverSession): Promise<void> => {
  await eventually(
    'the close is acknowledged',
    session.grantedTtlMs + run.times.slackMs,
    async () => (await codeOf(session.close(soon(1_000)))) === 'none',
  )
}

/** T5 … T9: the records of a session, and its end. */
export const sessionCases: readonly ContractCase[] = [
  contractCase(
    'T5 ties a record of an earlier session of the same owner to the session that writes it again',
    [],
    async (run) => {
      const [first, second] = [await run.session(), await run.session()]
      const reader = run.driver()
      await first.put([asked('1', 'a', 1), asked('2', 'a', 1)], soon())
      // once unchanged, once with other content
      expect(await putOne(second, asked('1', 'a', 1))).toBe('written')
      expect(await putOne(second, asked('2', 'a', 1, { weight: 7, seq: 1 }))).toBe('written')
      await first.close(soon())
      await stand(run, reader, ['1', '2'])
      const audits = await second.audit([ref('1'), ref('2')], soon())
      expect(audits.map(({ state }) => state)).toEqual(['ours', 'ours'])
      await second.close(soon())
      await stand(run, reader, [])
    },
  ),

  contractCase(
    'T5 keeps a record that moved to a later session when the earlier one expires',
    ['expireSession'],
    async (run) => {
      const [first, second] = [await run.session(), await run.session()]
      await first.put([asked('1', 'a', 1), asked('2', 'a', 1)], soon())
      expect(await putOne(second, asked('1', 'a', 1))).toBe('written')
      await run.harness.expireSession?.(first.id, run.namespace)
      const reader = run.driver()
      await eventually(
        'the other record is removed',
        run.times.slackMs,
        async () => (await idsOf(reader)).join() === '1',
      )
      await throughout('the record stays', 200, async () => (await idsOf(reader)).join() === '1')
    },
  ),

  contractCase(
    'T6 removes on close the records tied to the session, and none that moved to another',
    [],
    async (run) => {
      const [session, later, rival] = [
        await run.session(),
        await run.session(),
        await run.session(),
      ]
      await session.put(
        ['kept', 'taken', 'moved', 'removed'].map((id) => asked(id, 'a', 1)),
        soon(),
      )
      await rival.put([asked('taken', 'b', 2)], soon())
      await later.put([asked('moved', 'a', 1)], soon())
      await session.remove([ref('removed')], soon())
      await rival.put([asked('removed', 'b', 2)], soon())
      await session.close(soon())
      const reader = run.driver()
      await stand(run, reader, ['moved', 'removed', 'taken'])
      expect(await rival.audit([ref('taken', 'b')], soon())).toMatchObject([{ state: 'ours' }])
      // repeated, as core does when the first answer was lost
      await session.close(soon())
      await stand(run, reader, ['moved', 'removed', 'taken'])
    },
  ),

  contractCase('T7 writes nothing after it was closed', [], async (run) => {
    const session = await run.session()
    await session.put([asked('1', 'a', 1)], soon())
    await session.close(soon())
    await expect(session.put([asked('1', 'a', 1)], soon())).rejects.toMatchObject(lost)
    await expect(session.put([asked('2', 'a', 1)], soon())).rejects.toMatchObject(lost)
    await stand(run, run.driver(), [])
  }),

  contractCase(
    'T7 stores no write that was pending when the session was closed',
    [],
    async (run) => {
      const reader = run.driver()
      for (const [round, id] of ids('late', 12).entries()) {
        const session = await run.session()
        const giveUp = new AbortController()
        const writing = codeOf(session.put([asked(id, 'a', 1)], giveUp.signal))
        if (round > 0) await pass(round - 1)
        if (round % 2 === 0) giveUp.abort(new Error('the caller gives up'))
        await acknowledged(run, session)
        if (round % 2 !== 0) await writing
        expect(await standing(reader, id), id).toBeUndefined()
      }
      await throughout(
        'no late write is stored',
        300,
        async () => (await idsOf(reader)).length === 0,
      )
    },
  ),

  contractCase(
    'T7 stores no write that was aborted on a frozen server once the close is acknowledged',
    ['server'],
    async (run) => {
      const session = await run.session()
      await session.put([asked('1', 'a', 1)], soon())
      await run.harness.server?.pause()
      try {
        const writing = session.put([asked('2', 'a', 1)], soon(300))
        expect(await codeOf(writing)).not.toBe('none')
        expect(await codeOf(session.close(soon(100)))).not.toBe('none')
      } finally {
        await run.harness.server?.resume()
      }
      await acknowledged(run, session)
      const reader = run.driver()
      await stand(run, reader, [])
      await throughout(
        'no late write is stored',
        500,
        async () => (await idsOf(reader)).length === 0,
      )
    },
  ),

  contractCase(
    'T8 reports an ended session at a heartbeat, by throwing and by aborting lost',
    ['expireSession'],
    async (run) => {
      const session = await expired(run)
      await tellsLost(run, session, () => session.renew(soon()))
      await expect(session.put([asked('1', 'a', 1)], soon())).rejects.toMatchObject(lost)
      await session.close(soon())
      await stand(run, run.driver(), [])
    },
  ),

  contractCase(
    'T8 refuses to write once the session has ended, before any heartbeat reports it',
    ['expireSession'],
    async (run) => {
      const session = await expired(run)
      await tellsLost(run, session, () => session.put([asked('2', 'a', 1)], soon()))
      await stand(run, run.driver(), [])
    },
  ),

  contractCase(
    'T9 keeps its records for the granted ttl after a heartbeat, and not for much longer',
    [],
    async (run) => {
      const { ttlMs, graceMs, slackMs } = run.times
      const { minTtlMs, maxTtlMs = Infinity } = run.capabilities
      const reader = run.directDriver()
      const driver = run.driver()
      const session = await run.session(driver, ttlMs)
      const { grantedTtlMs } = session
      expect(grantedTtlMs).toBeGreaterThanOrEqual(minTtlMs)
      expect(grantedTtlMs).toBeLessThanOrEqual(maxTtlMs)
      await session.put([asked('1', 'a', 1)], soon())
      let sentMs = performance.now()
      const stands = async (): Promise<boolean> => {
        const there = (await idsOf(reader)).length === 1
        // a list that took longer than the ttl proves nothing
        return there || performance.now() - sentMs > grantedTtlMs
      }
      for (let beats = 0; beats < 6; beats += 1) {
        await throughout('the record stays between heartbeats', grantedTtlMs / 4, stands)
        const sendMs = performance.now()
        await session.renew(soon())
        sentMs = sendMs
      }
      // it ends without a close, like a killed process
      await driver[Symbol.asyncDispose]()
      await throughout('the record stays for the granted ttl', grantedTtlMs * 0.8, stands)
      const goneWithinMs = grantedTtlMs * 0.2 + graceMs + slackMs
      await eventually(
        'the record is removed',
        goneWithinMs,
        async () => (await idsOf(reader)).length === 0,
      )
    },
  ),
]
