import { ManualClock } from '@sd/contract-tests/world'
import { describe, expect, test } from 'vitest'
import { KeepAlive } from '../../../src/client/connection/keep-alive.ts'

describe('KeepAlive', () => {
  const start = () => {
    const clock = new ManualClock()
    const pings: number[] = []
    const keepAlive = new KeepAlive(clock, () => pings.push(clock.monotonicMs()))
    keepAlive.start(100)
    return { clock, pings, keepAlive }
  }

  test('pings when nothing was sent for the interval', async () => {
    const { clock, pings } = start()
    await clock.advance(350)
    expect(pings).toEqual([100, 200, 300])
  })

  test('a sent request counts as a ping, and delays only the next one', async () => {
    const { clock, pings, keepAlive } = start()
    await clock.advance(60)
    keepAlive.sent()
    await clock.advance(200)
    expect(pings).toEqual([160, 260])
  })

  test('stops', async () => {
    const { clock, pings, keepAlive } = start()
    keepAlive.stop()
    await clock.advance(500)
    expect(pings).toEqual([])
    expect(clock.pending).toBe(0)
  })
})
