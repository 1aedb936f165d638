import { expect, test, vi } from 'vitest'
import { systemClock } from '../../src/runtime/clock.ts'

test('runs a timer once, and none that is cancelled', async () => {
  const ran: string[] = []
  const cancelled = systemClock.setTimer(0, () => ran.push('cancelled'))
  cancelled.cancel()
  await new Promise<void>((resolve) => {
    systemClock.setTimer(5, resolve)
  })
  expect(ran).toEqual([])
})

test('waits for the longest time that Node has where a timer is set for longer', async () => {
  const ran = vi.fn<() => void>()
  const timer = systemClock.setTimer(1e12, ran)
  await new Promise<void>((resolve) => {
    systemClock.setTimer(10, resolve)
  })
  timer.cancel()
  expect(ran).not.toHaveBeenCalled()
})
