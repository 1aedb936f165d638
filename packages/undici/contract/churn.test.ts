import { sharedRegistries } from '@sd/calling-tests'
import { setTimeout as delay } from 'node:timers/promises'
import { until } from '@sd/test-servers'
import { describe, expect, test } from 'vitest'
import { Fleet } from './fleet.ts'
import { type LoadReport, startLoad } from './load.ts'

/** A minute with SD_LONG_TESTS=1. */
const churnMs = process.env['SD_LONG_TESTS'] === '1' ? 60_000 : 4_000
const timeout = churnMs + 60_000
const callers = 20

const tell = (what: string, made: number, { ok, failed, ...rest }: LoadReport): void =>
  console.log(
    `${what}: ${made} instances, ${ok} ok, ${failed.length} failed, ${JSON.stringify(rest)}`,
  )

describe.each(sharedRegistries)('on %s', (backend, open) => {
  test(
    'no request fails, POST included, while an instance is replaced every 100 ms',
    { timeout },
    async () => {
      await using shared = await open()
      await using registry = shared.open()
      await using fleet = new Fleet(registry)
      await Promise.all(Array.from({ length: 6 }, () => fleet.join()))
      await using load = await startLoad({ url: shared.url, callers, retry: false })
      const end = performance.now() + churnMs
      while (performance.now() < end) {
        await Promise.all([fleet.join(), delay(100)])
        fleet.leave()
      }
      const report = await load.ask<LoadReport>('end')
      tell(`${backend}, graceful, no retries`, fleet.made, report)
      expect(report.failed).toEqual([])
      expect(report.ok).toBeGreaterThan(churnMs / 40)
      expect(fleet.made).toBeGreaterThan(churnMs / 800)
      // the pools of removed instances are closed
      expect(report.pools).toBeLessThanOrEqual(6)
    },
  )

  test.each(['killed', 'cut off every 100 ms'])(
    'when instances are %s no GET fails, and of the POSTs only those in flight on them',
    { timeout },
    async (how) => {
      await using shared = await open()
      await using registry = shared.open()
      await using fleet = new Fleet(registry)
      if (how === 'killed') fleet.prepare(8)
      const join = (): Promise<void> =>
        how === 'killed' ? fleet.joinProcess() : fleet.joinToBeCutOff()
      await Promise.all(Array.from({ length: 6 }, join))
      await using load = await startLoad({ url: shared.url, callers, retry: true })
      const gone = new Set<string | undefined>()
      const end = performance.now() + churnMs
      while (performance.now() < end) {
        // on few cores a process takes longer than 100 ms to start
        await Promise.all([join(), delay(100)])
        gone.add(fleet.leave())
      }
      const report = await load.ask<LoadReport>('end')
      tell(`${backend}, ${gone.size} ${how}`, fleet.made, report)
      expect(report.failed.filter(({ method }) => method !== 'POST')).toEqual([])
      for (const { instance, message } of report.failed) {
        expect(gone).toContain(instance)
        // sent, and not answered: requests that could not be sent went to another instance
        expect(message).toMatch(/attempts?: no response/)
      }
      // 10 callers post, to 6 instances
      expect(report.failed.length).toBeLessThan(gone.size * 10)
      expect(report.ok).toBeGreaterThan(callers)
    },
  )

  test('requests continue while the registry is unreachable', { timeout }, async () => {
    await using shared = await open()
    await using registry = shared.open()
    await using fleet = new Fleet(registry)
    await Promise.all(Array.from({ length: 3 }, () => fleet.join()))
    await using watcher = registry.watch('orders')
    await using load = await startLoad({ url: shared.url, callers: 10, retry: false })
    const before = await load.ask<LoadReport>('soFar')
    {
      await using _ = await shared.takeAway()
      await until('the view is stale', () => watcher.stale !== undefined)
      await delay(churnMs / 2)
    }
    await until('the view is fresh', () => watcher.stale === undefined)
    await fleet.join()
    const report = await load.ask<LoadReport>('end')
    tell(`${backend}, registry away`, fleet.made, report)
    expect(report.failed).toEqual([])
    expect(report.ok - before.ok).toBeGreaterThan(churnMs / 80)
  })
})
