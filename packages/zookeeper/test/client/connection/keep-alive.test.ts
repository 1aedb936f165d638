import { describe, expect, test } from 'vitest'
import { KeepAlive } from '../../../src/client/connection/keep-alive.ts'
import { ManualClock } from '../manual-clock.ts'

describe('KeepAlive', () => {
  const start = () => {
    const clock = new ManualClock()
    const pings: number[] = []
    const keepAlive = new KeepAlive(clock, () => pings.push(clock.nowMs()))
    keepAlive.start(100)
    return { clock, pings, keepAlive }
  }

  test('pings when nothing was sent for the interval', () => {
    const { clock, pings } = start()
    clock.pass(350)
    expect(pings).toEqual([100, 200, 300])
  })

  test('a sent request counts as a ping, and delays only the next one', () => {
    const { clock, pings, keepAlive } = start()
    clock.pass(60)
    keepAlive.sent()
    clock.pass(200)
    expect(pings).toEqual([160])
  })

  test('stops', () => {
    const { clock, pings, keepAlive } = start()
    keepAlive.stop()
    clock.pass(500)
    expect(pings).toEqual([])
    expect(clock.waiting).toBe(0)
  })
})
