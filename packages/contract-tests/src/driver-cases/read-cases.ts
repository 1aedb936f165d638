import type { Contents, RecordKey } from '@sd/core/driver'
import { expect } from 'vitest'
import { idsOf, soon } from '../answers.ts'
import { type ContractCase, contractCase } from '../contract-case.ts'
import { eventually, pass } from '../eventually.ts'
import { ids } from '../instances.ts'
import { orders, ref } from '../requests.ts'
import { asked, stand } from './asked.ts'
import { ObservedView } from './observed-view.ts'

const keysOf = ({ records }: Contents): ReadonlyMap<string, RecordKey> =>
  new Map(records.map(({ instance, key }) => [`${instance.service}/${instance.id}`, key]))

/** T12, T13, T14: what is listed and observed. */
export const readCases: readonly ContractCase[] = [
  contractCase(
    'T12 uses one key for a record: in put, list and observe, before and after an update',
    [],
    async (run) => {
      const session = await run.session()
      const driver = run.driver()
      const wanted = [
        asked('1', 'a', 1),
        asked('2', 'a', 1),
        asked('1', 'a', 1, { service: 'users' }),
      ]
      const outcomes = await session.put(wanted, soon())
      const put = outcomes.map((outcome) => (outcome.result === 'written' ? outcome.key : ''))
      expect(new Set(put).size).toBe(3)
      await stand(run, driver, ['1', '2'])
      const listed = keysOf(await driver.list({ all: true }, soon()))
      expect([...listed.values()].toSorted()).toEqual(put.toSorted())
      const watch = new ObservedView(driver)
      await watch.sees(['1', '2'], run.times.slackMs)
      expect([...watch.records.keys()].toSorted()).toEqual(put.slice(0, 2).toSorted())
      await session.put([asked('1', 'a', 1, { weight: 7, seq: 1 })], soon())
      await watch.until('the update is delivered', run.times.slackMs, ({ records }) => {
        const record = [...records.values()].find(({ instance }) => instance.id === '1')
        return record?.instance.weight === 7
      })
      expect([...watch.records.keys()].toSorted()).toEqual(put.slice(0, 2).toSorted())
      expect(keysOf(await run.driver().list(orders, soon())).get('orders/1')).toBe(put[0])
      await watch.stop()
    },
  ),

  contractCase(
    'T12 lists an unreadable record as skipped, with a reason, and not among the records',
    ['writeRaw'],
    async (run) => {
      const session = await run.session()
      const driver = run.driver()
      await session.put([asked('good', 'a', 1), asked('bad', 'a', 1)], soon())
      const nonsense = new TextEncoder().encode('{nonsense')
      const watch = new ObservedView(driver)
      await watch.sees(['bad', 'good'], run.times.slackMs)
      const key = [...watch.records.values()].find(({ instance }) => instance.id === 'bad')?.key
      await run.harness.writeRaw?.(run.namespace, 'orders', 'bad', nonsense)
      for (const scope of [orders, { all: true }] as const) {
        const { records, skipped } = await driver.list(scope, soon())
        expect(records.map(({ instance }) => instance.id)).toEqual(['good'])
        expect(skipped).toEqual([{ key, reason: expect.stringMatching(/\w/) as string }])
      }
      // as skipped, or by its absence from a new snapshot
      await watch.sees(['good'], run.times.slackMs)
      await watch.stop()
    },
  ),

  contractCase('T13 misses no change between reading and subscribing', [], async (run) => {
    const session = await run.session()
    const driver = run.driver()
    for (const [round, id] of ids('gap', 24).entries()) {
      const watch = new ObservedView(driver)
      const later = new ObservedView(driver, { scope: { all: true } })
      await pass(round % 8)
      await session.put([asked(id, 'a', 1)], soon())
      for (const view of [watch, later]) {
        await view.until(`${id} is delivered`, run.times.slackMs, ({ ids: seen }) =>
          seen.includes(id),
        )
        await view.stop()
      }
    }
  }),

  contractCase(
    'T14 begins with a snapshot, and delivers every change and every removal after it',
    [],
    async (run) => {
      const { slackMs } = run.times
      const session = await run.session()
      const driver = run.driver()
      const [watch, all] = [orders, { all: true } as const].map(
        (scope) => new ObservedView(driver, { scope }),
      ) as [ObservedView, ObservedView]
      const views = [watch, all]
      for (const view of views) {
        await view.sees([], slackMs)
        expect(view.observations[0]?.type).toBe('snapshot')
      }
      await session.put([asked('1', 'a', 1), asked('2', 'a', 1)], soon())
      for (const view of views) await view.sees(['1', '2'], slackMs)
      await session.put([asked('1', 'a', 1, { weight: 7, seq: 1 })], soon())
      for (const view of views)
        await view.until('the update is delivered', slackMs, ({ records }) =>
          Array.from(records.values(), ({ instance }) => instance.weight).includes(7),
        )
      await session.remove([ref('1')], soon())
      for (const view of views) await view.sees(['2'], slackMs)
      // the last one is removed by the end of its session
      await session.close(soon())
      for (const view of views) {
        await view.sees([], slackMs)
        if (run.capabilities.deltas)
          expect(view.observations.filter(({ type }) => type === 'snapshot')).toHaveLength(1)
        await view.stop()
      }
    },
  ),

  contractCase(
    'T14 delivers the names of services as they are added and removed, also the last one',
    [],
    async (run) => {
      const { slackMs } = run.times
      const session = await run.session()
      const driver = run.driver()
      const names = new ObservedView(driver, { scope: { services: true } })
      const tells = (...wanted: string[]): Promise<void> =>
        names.until(`the names ${wanted.join()} are delivered`, slackMs, (view) => {
          return (
            view.observations.length > 0 && [...view.services].toSorted().join() === wanted.join()
          )
        })
      const lists = (...wanted: string[]): Promise<unknown> =>
        eventually(`the names ${wanted.join()} are listed`, run.visibleMs, async () => {
          const listed = (await driver.list({ services: true }, soon())).services ?? []
          return listed.toSorted().join() === wanted.join()
        })
      await tells()
      await session.put([asked('1', 'a', 1), asked('2', 'a', 1)], soon())
      await session.put([asked('1', 'a', 1, { service: 'users' })], soon())
      await tells('orders', 'users')
      await lists('orders', 'users')
      await session.remove([ref('1', 'a', 'users')], soon())
      await tells('orders')
      await session.remove([ref('1')], soon())
      expect(await idsOf(driver)).toEqual(['2'])
      await lists('orders')
      await session.remove([ref('2')], soon())
      await tells()
      await lists()
      await names.stop()
    },
  ),
]
