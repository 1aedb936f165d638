import type { Contents, Cursor, DriverSession, RegistryDriver } from '@sd/core/driver'
import { expect } from 'vitest'
import { codeOf, idsOf, soon } from '../answers.ts'
import { type ContractCase, contractCase } from '../contract-case.ts'
import { eventually, pass } from '../eventually.ts'
import { ids } from '../instances.ts'
import { orders, ref } from '../requests.ts'
import { asked, putOne, stand } from './asked.ts'
import { ObservedView } from './observed-view.ts'

/** A connection hangs after writing more than this; heartbeats are far smaller. */
const hangBytes = 8_000

/**
 * Sends heartbeats as core does, each attempt bounded by ttl/6, until one passes: within two thirds
 * of the ttl, as the last one that passed may be a quarter of it ago.
 */
const beat = async (session: DriverSession): Promise<void> => {
  const { grantedTtlMs } = session
  await eventually('a heartbeat passes', (grantedTtlMs * 2) / 3, async () => {
    return (await codeOf(session.renew(soon(grantedTtlMs / 6)))) === 'none'
  })
}

/**
 * Follows a scope over a link that breaks: resumes as core does, and counts the ended observations.
 */
class Resuming {
  #view: ObservedView
  readonly #driver: RegistryDriver
  breaks = 0
  #snapshotsBefore = 0
  #kept: { from: Contents; cursor: Cursor | undefined } | undefined

  constructor(driver: RegistryDriver) {
    this.#driver = driver
    this.#view = new ObservedView(driver)
  }

  /** Resumes an observation that has ended. */
  #resume(): void {
    if (!this.#view.ended) return
    if (this.#view.failure === undefined) throw new Error('the observation ended without an error')
    this.breaks += 1
    this.#snapshotsBefore = this.snapshots
    const expired = (this.#view.failure as { code?: unknown }).code === 'cursor-expired'
    if (expired) this.#kept = undefined
    else if (this.#view.observations.length > 0)
      this.#kept = {
        from: { records: [...this.#view.records.values()], skipped: [] },
        cursor: this.#view.cursor ?? this.#kept?.cursor,
      }
    this.#view = new ObservedView(this.#driver, this.#kept ?? {})
  }

  /** How many snapshots were needed. */
  get snapshots(): number {
    const told = this.#view.observations.filter(({ type }) => type === 'snapshot')
    return this.#snapshotsBefore + told.length
  }

  /** The resulting view: `key weight`, sorted. */
  get shown(): string {
    this.#resume()
    const { records } = this.#view
    return Array.from(records, ([key, { instance }]) => `${key} ${instance.weight}`)
      .toSorted()
      .join()
  }

  stop(): Promise<void> {
    return this.#view.stop()
  }
}

/** T20, T21, T23: connections that hang, go silent, or are cut. */
export const linkCases: readonly ContractCase[] = [
  contractCase(
    'T20 passes heartbeats while a write hangs',
    ['hangWrites', 'connectDirect'],
    async (run) => {
      const { slackMs } = run.times
      const session = await run.session(run.driver(), run.times.ttlMs)
      await session.put([asked('1', 'a', 1)], soon())
      await session.renew(soon())
      const hung = await run.harness.hangWrites?.(hangBytes)
      const giveUp = new AbortController()
      const text = 'x'.repeat(Math.min(hangBytes * 3, run.capabilities.maxRecordBytes - 4_000))
      const writing = session.put(
        ids('big', 4).map((id) => asked(id, 'a', 1, { metadata: { text } })),
        giveUp.signal,
      )
      const outcome = codeOf(writing)
      const reader = run.directDriver()
      for (let beats = 0; beats < 6; beats += 1) {
        await pass(session.grantedTtlMs / 4)
        await beat(session)
      }
      expect(await Promise.race([outcome, Promise.resolve('the write hangs')])).toBe(
        'the write hangs',
      )
      expect(await idsOf(reader)).toContain('1')
      giveUp.abort(new Error('the caller gives up'))
      await outcome
      await hung?.[Symbol.asyncDispose]()
      await eventually('a later write succeeds', slackMs, async () => {
        return (await putOne(session, asked('2', 'a', 1), soon(1_000))) === 'written'
      })
    },
  ),

  contractCase(
    'T21 answers the next call in time after one that timed out on a dead connection',
    ['silence'],
    async (run) => {
      const { ttlMs, slackMs } = run.times
      const driver = run.driver()
      const session = await run.session(driver, ttlMs)
      await session.put([asked('1', 'a', 1)], soon())
      await session.renew(soon())
      await stand(run, driver, ['1'])
      const calls: Readonly<Record<string, (signal: AbortSignal) => Promise<unknown>>> = {
        list: (signal) => driver.list(orders, signal),
        put: (signal) => session.put([asked('1', 'a', 1, { weight: 7, seq: 1 })], signal),
        audit: (signal) => session.audit([ref('1')], signal),
      }
      const over = new AbortController()
      // core does this all the time; a heartbeat on a dead connection may be what detects it
      const beating = (async () => {
        while (!over.signal.aborted) {
          await codeOf(session.renew(soon(session.grantedTtlMs / 6)))
          await pass(session.grantedTtlMs / 4)
        }
      })()
      try {
        for (const [name, call] of Object.entries(calls)) {
          const silent = await run.harness.silence?.()
          try {
            await codeOf(call(soon(slackMs / 2)))
            // like core, retry a call that fails at once because its connection is lost
            const outcomes: string[] = []
            for (const endMs = performance.now() + slackMs; performance.now() < endMs;) {
              outcomes.push(await codeOf(call(soon(slackMs))))
              if (outcomes.at(-1) !== 'unavailable') break
              await pass(50)
            }
            expect(outcomes.at(-1), name).toBe('none')
          } finally {
            await silent?.[Symbol.asyncDispose]()
          }
        }
      } finally {
        over.abort()
        await beating
      }
    },
  ),

  contractCase(
    'T23 loses no change over a link that is cut repeatedly, at any byte',
    ['cutAt', 'connectDirect'],
    async (run) => {
      const { slackMs } = run.times
      const writer = await run.session(run.directDriver())
      const reader = run.directDriver()
      const view = new Resuming(run.driver())
      await writer.put(
        ids('i', 30).map((id) => asked(id, 'a', 1)),
        soon(),
      )
      let round = 0
      const change = async (): Promise<void> => {
        round += 1
        const some = ids('i', 30).slice((round * 7) % 24, ((round * 7) % 24) + 5)
        if (round % 4 === 0)
          await writer.remove(
            some.map((id) => ref(id)),
            soon(),
          )
        else
          await writer.put(
            some.map((id) => asked(id, 'a', 1, { weight: round, seq: round })),
            soon(),
          )
      }
      const truth = async (): Promise<string> =>
        (await reader.list(orders, soon())).records
          .map(({ key, instance }) => `${key} ${instance.weight}`)
          .toSorted()
          .join()
      let cuts = 0
      for (const bytes of [1, 37, 331, 997, 2_011, 4_001, 64, 509, 1_499, 3_001]) {
        const cutting = await run.harness.cutAt?.(bytes)
        await eventually('a connection is cut', slackMs * 2, async () => {
          await change()
          // reading the view resumes ended observations
          return view.shown !== undefined && (cutting?.cuts ?? 0) > 0
        })
        cuts += cutting?.cuts ?? 0
        await cutting?.[Symbol.asyncDispose]()
        await eventually('the view has caught up', slackMs * 2, async () => {
          return view.shown === (await truth())
        })
      }
      expect(cuts).toBeGreaterThanOrEqual(10)
      expect(view.breaks).toBeGreaterThanOrEqual(5)
      // a driver that resumes goes on from where it was cut
      if (run.capabilities.resume) expect(view.snapshots).toBe(1)
      await view.stop()
    },
  ),
]
