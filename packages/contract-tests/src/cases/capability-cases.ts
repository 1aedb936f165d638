import type { Observation } from '@sd/core/driver'
import { expect } from 'vitest'
import { soon } from '../answers.ts'
import { type ContractCase, contractCase } from '../contract-case.ts'
import { input } from '../contract-run.ts'
import { request } from '../requests.ts'

const take = async (
  observations: AsyncIterable<Observation>,
  wanted: (observation: Observation) => boolean,
): Promise<Observation> => {
  for await (const observation of observations) if (wanted(observation)) return observation
  throw new Error('the observation ended')
}

/** A driver implements the capabilities that it declares, and rejects the use of others. */
export const capabilityCases: readonly ContractCase[] = [
  contractCase(
    'capability resume: a cursor resumes without a snapshot; without it every attach begins with one',
    [],
    async (run) => {
      const driver = run.driver()
      const session = await run.session()
      await session.put([request('a')], soon())
      const stop = new AbortController()
      const first = await take(
        driver.observe({ service: 'orders' }, undefined, stop.signal),
        () => true,
      )
      expect(first.type).toBe('snapshot')
      const again = await take(
        driver.observe({ service: 'orders' }, first.cursor, stop.signal),
        () => true,
      )
      if (run.capabilities.resume) expect(again.type).not.toBe('snapshot')
      else expect(again.type).toBe('snapshot')
    },
  ),

  contractCase(
    'capability deltas: a change is delivered as a difference; without it, also as the whole scope',
    [],
    async (run) => {
      const driver = run.driver()
      const session = await run.session()
      await session.put([request('a')], soon())
      const stop = new AbortController()
      const observations = driver.observe({ service: 'orders' }, undefined, stop.signal)
      const iterator = observations[Symbol.asyncIterator]()
      expect((await iterator.next()).value).toMatchObject({ type: 'snapshot' })
      await session.put([request('b')], soon())
      let seen: Observation | undefined
      while (seen === undefined || seen.type === 'alive') {
        const result = await iterator.next()
        if (result.done === true) throw new Error('the observation ended')
        seen = result.value
      }
      // a driver may compute changes itself although its server sends everything again
      if (run.capabilities.deltas) expect(seen.type).toBe('changes')
      expect(seen.records.map(({ instance }) => instance.id).toSorted()).toEqual(
        seen.type === 'changes' ? ['b'] : ['a', 'b'],
      )
      await iterator.return?.()
    },
  ),

  contractCase(
    'capability maxRecordBytes: a larger record is refused before any I/O, a smaller one is stored unchanged',
    [],
    async (run) => {
      const { registry, calls } = run.counting()
      const { maxRecordBytes } = run.capabilities
      const tooLarge = registry.register(
        input('orders', 'big', { metadata: { text: 'x'.repeat(maxRecordBytes) } }),
      )
      await expect(tooLarge).rejects.toMatchObject({ code: 'invalid-argument' })
      expect(calls).toEqual(new Map())
      const text = 'x'.repeat(Math.floor(maxRecordBytes * 0.9) - 1_000)
      await registry.register(input('orders', 'fits', { metadata: { text } }))
      await run.lists(registry, 'orders', ['fits'], run.visibleMs + run.times.slackMs)
      expect((await registry.list('orders'))[0]?.metadata['text']?.length).toBe(text.length)
    },
  ),

  contractCase(
    'a driver settles at once when its signal aborts, with the reason',
    [],
    async (run) => {
      const driver = run.driver()
      const reason = new Error('stop')
      const aborted = AbortSignal.abort(reason)
      await expect(driver.list({ service: 'orders' }, aborted)).rejects.toBe(reason)
      await expect(driver.openSession({ ttlMs: run.times.ttlMs }, aborted)).rejects.toBe(reason)
      await expect(driver.probe(aborted)).rejects.toBe(reason)
      const observing = driver.observe({ service: 'orders' }, undefined, aborted)
      await expect(observing[Symbol.asyncIterator]().next()).rejects.toBe(reason)
      const stop = new AbortController()
      const observed = driver.observe({ service: 'orders' }, undefined, stop.signal)
      const iterator = observed[Symbol.asyncIterator]()
      await iterator.next()
      const pending = iterator.next()
      stop.abort(reason)
      await expect(pending).rejects.toBe(reason)
    },
  ),
]
