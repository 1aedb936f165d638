import { expect } from 'vitest'
import { codeOf, soon } from '../answers.ts'
import { type ContractCase, contractCase } from '../contract-case.ts'
import { eventually, pass } from '../eventually.ts'
import { orders } from '../requests.ts'
import { asked } from './asked.ts'
import { ObservedView } from './observed-view.ts'

/** The delay of each message over a slow link, in each direction. */
const delayMs = 300
/** Less than one round trip over that link, and more than what counts as silence. */
const patienceMs = 400

/** T22, T29, T30: what probes say about watches, and do to them. */
export const probeCases: readonly ContractCase[] = [
  contractCase(
    'T22 answers no probe while the watches of its driver receive nothing',
    ['silence', 'connectDirect'],
    async (run) => {
      const { ttlMs, slackMs } = run.times
      const writer = await run.session(run.directDriver())
      const driver = run.driver()
      const watch = new ObservedView(driver)
      await watch.sees([], slackMs)
      await driver.probe(soon())
      const silent = await run.harness.silence?.()
      try {
        // other calls use working connections again
        await eventually('a list is answered', slackMs * 2, async () => {
          return (await codeOf(driver.list(orders, soon(300)))) === 'none'
        })
        await writer.put([asked('1', 'a', 1)], soon())
        for (const endMs = performance.now() + ttlMs; performance.now() < endMs && !watch.ended;) {
          if ((await codeOf(driver.probe(soon(ttlMs / 6)))) !== 'none') continue
          // the watch must then report the change, or at least that it broke
          await eventually('the probed watch delivers the change or ends', slackMs, () => {
            return watch.ended || watch.ids.length > 0
          })
          break
        }
      } finally {
        await silent?.[Symbol.asyncDispose]()
      }
      await watch.stop()
    },
  ),

  contractCase(
    'T29 detects by probes that the link of an idle watch is silent, and ends no idle watch otherwise',
    ['silence', 'connectDirect'],
    async (run) => {
      const { ttlMs, slackMs } = run.times
      const writer = await run.session(run.directDriver())
      const driver = run.driver()
      const watch = new ObservedView(driver)
      await watch.sees([], slackMs)
      for (const endMs = performance.now() + ttlMs * 2; performance.now() < endMs;) {
        expect(await codeOf(driver.probe(soon()))).toBe('none')
        await pass(ttlMs / 6)
      }
      expect(watch.ended, 'whether the idle watch has ended').toBe(false)
      await writer.put([asked('1', 'a', 1)], soon())
      await watch.sees(['1'], run.visibleMs + slackMs)
      const silent = await run.harness.silence?.()
      try {
        // two missed probes in a row end the watch, as in core; an answer to one vouches for it
        const outcomes = [
          await codeOf(driver.probe(soon(ttlMs / 3))),
          await codeOf(driver.probe(soon(ttlMs / 3))),
        ]
        if (outcomes.includes('none') && !watch.ended) {
          await writer.put([asked('2', 'a', 1)], soon())
          await eventually('the probed watch delivers the change or ends', slackMs, () => {
            return watch.ended || watch.ids.length > 1
          })
        }
        await watch.stop()
        const later = new ObservedView(driver)
        await later.until('a later watch is attached', slackMs * 2, ({ ids }) => ids.includes('1'))
        await later.stop()
      } finally {
        await silent?.[Symbol.asyncDispose]()
      }
    },
  ),

  contractCase(
    'T30 attaches a watch over a slow link while probes are given up',
    ['slow', 'connectDirect'],
    async (run) => {
      const { slackMs } = run.times
      const writer = await run.session(run.directDriver())
      await writer.put([asked('1', 'a', 1)], soon())
      const driver = run.driver()
      const slow = await run.harness.slow?.(delayMs)
      const watch = new ObservedView(driver)
      const over = new AbortController()
      // core probes while a watch is being attached, too
      const probing = (async () => {
        while (!over.signal.aborted) {
          await codeOf(driver.probe(soon(patienceMs)))
          await pass(patienceMs / 8)
        }
      })()
      try {
        await eventually('the watch is attached or has ended', delayMs * 16 + slackMs, () => {
          return watch.ended || watch.ids.length > 0
        })
        expect(watch.ids).toEqual(['1'])
      } finally {
        over.abort()
        await probing
        await watch.stop()
        await slow?.[Symbol.asyncDispose]()
      }
    },
  ),
]
