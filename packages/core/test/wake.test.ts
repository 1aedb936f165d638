import { describe, expect, test } from 'vitest'
import { Wake } from '@sd/core/driver'
import { ManualClock } from './manual-clock.ts'

const never = new AbortController().signal

describe('Wake', () => {
  test('keeps a notification that precedes the wait, and merges several', async () => {
    const wake = new Wake()
    wake.notify()
    wake.notify()
    await wake.notified(never)
    let woken = false
    const next = wake.notified(never).then(() => (woken = true))
    await Promise.resolve()
    expect(woken).toBe(false)
    wake.notify()
    await next
  })

  test('rejects with the reason of the signal, and keeps a notification for the next wait', async () => {
    const wake = new Wake()
    const stop = new AbortController()
    const waiting = wake.notified(stop.signal)
    stop.abort(new Error('stop'))
    await expect(waiting).rejects.toThrow('stop')
    wake.notify()
    await expect(wake.notified(stop.signal)).rejects.toThrow('stop')
    await wake.notified(never)
  })

  test('waits without a signal until it is notified', async () => {
    const wake = new Wake()
    let woken = false
    const waiting = wake.notified().then(() => (woken = true))
    await new Promise(setImmediate)
    expect(woken).toBe(false)
    wake.notify()
    await waiting
    wake.notify()
    await wake.notified()
  })

  test('wakes when the clock reaches the given time, and not before', async () => {
    const wake = new Wake()
    const clock = new ManualClock()
    let woken = false
    const waiting = wake.wait(clock, clock.monotonicMs() + 10).then(() => (woken = true))
    await clock.advance(9)
    await Promise.resolve()
    expect(woken).toBe(false)
    await clock.advance(1)
    await waiting
  })

  test('wakes at once when that time has come, and sets a timer only where there is one', async () => {
    const wake = new Wake()
    const clock = new ManualClock()
    await wake.wait(clock, 0)
    await wake.wait(clock, -1)
    const forever = wake.wait(clock, Number.POSITIVE_INFINITY)
    // a timer would keep the process from ending
    expect(clock.pending).toBe(0)
    wake.notify()
    await forever
  })
})
