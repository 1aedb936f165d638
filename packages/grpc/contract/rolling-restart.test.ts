import { everySharedRegistry, RollingFleet } from '@sd/calling-tests'
import { describe, expect, test } from 'vitest'
import { type LoadReport, startLoad } from './load.ts'

const program = new URL('service-process.ts', import.meta.url)

describe.concurrent.each(everySharedRegistry)('on %s', (backend, open) => {
  test(
    'no call and no stream fails while three services restart twice',
    { timeout: 120_000 },
    async () => {
      await using shared = await open()
      await using fleet = await RollingFleet.start(program, shared.url, 3)
      const target = 'sd:///orders'
      const options = { url: shared.url, target, callers: 20, streams: 5, retry: false }
      await using load = await startLoad(options)
      await fleet.restart()
      await fleet.restart()
      const report = await load.ask<LoadReport>('end')
      const { calls, streams, failed } = report
      const stops = fleet.stopMs.join(' ')
      console.log(
        `${backend}: ${calls} calls, ${streams} streams, ms from SIGTERM to exit: ${stops}`,
      )
      expect(failed).toEqual({})
      expect(calls).toBeGreaterThan(300)
      expect(streams).toBeGreaterThan(50)
    },
  )
})
