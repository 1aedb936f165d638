import type { Clock } from '@sd/core/driver'
import { describe, expect, test } from 'vitest'
import { KeepAlive } from '../../../src/client/connection/keep-alive.ts'

/** A clock that moves only when the test advances it. */
class ManualClock implements Clock {
  #nowMs = 0
  readonly #timers = new Set<{ readonly atMs: number; readonly callback: () => void }>()

  nowMs(): number {
    return this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  setTimer(delayMs: number, callback: () => void): { cancel(): void } {
    const timer = { atMs: this.#nowMs + delayMs, callback }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  get waiting(): number {
    return this.#timers.size
  }

  pass(ms: number): void {
    const endMs = this.#nowMs + ms
    for (; this.#nowMs < endMs; this.#nowMs++)
      for (const timer of this.#timers)
        if (timer.atMs <= this.#nowMs) {
          this.#timers.delete(timer)
          timer.callback()
        }
  }
}

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
