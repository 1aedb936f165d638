import { everySharedRegistry, RollingFleet } from '@sd/calling-tests'
import { describe, expect, test } from 'vitest'
import { type LoadReport, startLoad } from './load.ts'

const program = new URL('service-process.ts', import.meta.url)

describe.concurrent.each(everySharedRegistry)('on %s', (backend, open) => {
  test(
    'no request fails, POST included, while three services restart twice',
    { timeout: 120_000 },
    async () => {
      await using shared = await open()
      await using fleet = await RollingFleet.start(program, shared.url, 3)
      await using load = await startLoad({ url: shared.url, callers: 20, retry: false })
      await fleet.restart()
      await fleet.restart()
      const report = await load.ask<LoadReport>('end')
      console.log(`${backend}: ${report.ok} ok, ms from SIGTERM to exit: ${fleet.stopMs.join(' ')}`)
      expect(report.failed).toEqual([])
      expect(report.ok).toBeGreaterThan(300)
    },
  )
})
