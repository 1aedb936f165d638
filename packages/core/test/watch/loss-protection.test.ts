import { describe, expect, test, vi } from 'vitest'
import { LossProtection } from '../../src/watch/loss-protection.ts'

const holdMs = 1_000
const settleMs = 500
const settings = { maxFraction: 0.5, holdMs, maxHoldMs: 10_000, minInstances: 3 }

/** A view with its loss protection, at times that the test passes. */
class Protected {
  readonly protection = new LossProtection(settings)
  readonly served: Set<string>

  constructor(...keys: readonly string[]) {
    this.served = new Set(keys)
  }

  trouble(): this {
    this.protection.trouble(this.served.size)
    return this
  }

  confirm(nowMs: number): this {
    this.protection.confirm(nowMs)
    return this
  }

  /** Applies one observation; returns the keys that readers see removed at once. */
  observe(
    { here = [], gone = [] }: { here?: readonly string[]; gone?: readonly string[] },
    nowMs: number,
    hold = holdMs,
  ): readonly string[] {
    const removed = this.protection.judge(
      { here, gone },
      (key) => this.served.has(key),
      () => hold,
      nowMs,
    )
    for (const key of here) this.served.add(key)
    for (const key of removed) this.served.delete(key)
    return removed
  }

  expire(nowMs: number): readonly string[] {
    const over = this.protection.expire(nowMs)
    for (const key of over) this.served.delete(key)
    return over
  }

  get held(): readonly string[] {
    return this.protection.held()
  }
}

const numbered = (count: number, name = 'k'): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${name}${index}`)

describe('LossProtection', () => {
  test('lets every removal pass while there is no trouble', () => {
    const view = new Protected('a', 'b', 'c').confirm(0)
    expect(view.observe({ gone: ['a', 'b', 'c'] }, 1)).toEqual(['a', 'b', 'c'])
    expect(view.held).toEqual([])
    expect(view.protection.heldCount).toBe(0)
  })

  test('holds all removals of a loss above the fraction inside the window', () => {
    const view = new Protected('a', 'b', 'c', 'd').trouble().confirm(10)
    expect(view.observe({ gone: ['a', 'b', 'c'] }, 10)).toEqual([])
    expect(view.held).toEqual(['a', 'b', 'c'])
    expect(view.protection.heldCount).toBe(3)
  })

  test('lets a loss of up to the fraction pass after a short delay', () => {
    const view = new Protected('a', 'b', 'c', 'd').trouble().confirm(0)
    expect(view.observe({ gone: ['a'] }, 0)).toEqual([])
    expect(view.observe({ gone: ['b'] }, 100)).toEqual([])
    expect(view.protection.nextExpiryMs()).toBe(settleMs)
    expect(view.expire(settleMs)).toEqual(['a'])
    expect(view.expire(settleMs + 100)).toEqual(['b'])
    expect(view.protection.nextExpiryMs()).toBe(Number.POSITIVE_INFINITY)
  })

  test('counts removals that arrive one by one together, and holds all of them', () => {
    const view = new Protected('a', 'b', 'c', 'd').trouble().confirm(0)
    view.observe({ gone: ['a'] }, 0)
    view.observe({ gone: ['b'] }, 100)
    view.observe({ gone: ['c'] }, 200)
    expect(view.expire(settleMs + 300)).toEqual([])
    expect(view.held).toEqual(['a', 'b', 'c'])
    expect(view.expire(holdMs)).toEqual(['a'])
    expect(view.expire(holdMs + 200)).toEqual(['b', 'c'])
  })

  test('releases a key that returns, and holds it again when it is removed again', () => {
    const view = new Protected('a', 'b', 'c', 'd').trouble().confirm(0)
    view.observe({ gone: ['a', 'b', 'c'] }, 0)
    view.observe({ here: ['a'] }, 900)
    expect(view.held).toEqual(['b', 'c'])
    expect(view.observe({ gone: ['a'] }, 950)).toEqual([])
    expect(view.expire(holdMs)).toEqual(['b', 'c'])
    expect(view.held).toEqual(['a'])
  })

  test('never extends a hold, whatever trouble follows', () => {
    const view = new Protected('a', 'b', 'c', 'd').trouble().confirm(0)
    view.observe({ gone: ['a', 'b', 'c', 'd'] }, 0)
    for (let nowMs = 100; nowMs < holdMs; nowMs += 100) view.trouble().confirm(nowMs)
    expect(view.expire(holdMs)).toEqual(['a', 'b', 'c', 'd'])
  })

  test('holds for as long as the owner may need to return, and no longer', () => {
    const view = new Protected('a', 'b', 'c').trouble().confirm(0)
    view.observe({ gone: ['a', 'b', 'c'] }, 0, 5_000)
    expect(view.expire(4_999)).toEqual([])
    expect(view.expire(5_000)).toEqual(['a', 'b', 'c'])
  })

  test('ends its window, after which removals pass at once', () => {
    const view = new Protected('a', 'b', 'c', 'd').trouble().confirm(10)
    expect(view.observe({ gone: ['a', 'b', 'c'] }, 10 + holdMs)).toEqual(['a', 'b', 'c'])
  })

  test('does not end its window before an observation succeeds', () => {
    const view = new Protected('a', 'b', 'c', 'd').trouble()
    expect(view.observe({ gone: ['a', 'b', 'c'] }, 10 * holdMs)).toEqual([])
  })

  test('does not protect views that are too small', () => {
    const view = new Protected('a', 'b').trouble().confirm(0)
    expect(view.observe({ gone: ['a', 'b'] }, 1)).toEqual(['a', 'b'])
    expect([view.held, view.protection.heldCount]).toEqual([[], 0])
  })

  test('protects a view that grew after the first trouble', () => {
    const view = new Protected().trouble().confirm(0)
    view.observe({ here: numbered(10) }, 100)
    view.trouble().confirm(300)
    expect(view.observe({ gone: numbered(10) }, 300)).toEqual([])
    expect(view.held).toHaveLength(10)
  })

  test('protects instances that were added inside the window, without further trouble', () => {
    const view = new Protected().trouble().confirm(0)
    view.observe({ here: numbered(10) }, 100)
    expect(view.observe({ gone: numbered(10) }, 300)).toEqual([])
  })

  test('protects instances that were restarted once', () => {
    const view = new Protected('a', 'b', 'c', 'd').trouble().confirm(0)
    let nowMs = 0
    for (const key of ['a', 'b', 'c', 'd']) {
      view.observe({ gone: [key] }, (nowMs += 200))
      view.observe({ here: [key] }, (nowMs += 50))
    }
    while (nowMs < 60_000) {
      nowMs += 900
      view.trouble().confirm(nowMs)
    }
    expect(view.observe({ gone: ['a', 'b', 'c', 'd'] }, nowMs)).toEqual([])
  })

  test('does not add up ordinary departures over many small troubles', () => {
    const view = new Protected(...numbered(10))
    const waits: number[] = []
    for (let round = 0; round < 100; round += 1) {
      const nowMs = round * 800
      view.trouble().confirm(nowMs)
      view.expire(nowMs)
      view.observe({ here: [`k${round + 10}`], gone: [`k${round}`] }, nowMs)
      waits.push(view.protection.nextExpiryMs() - nowMs)
    }
    expect(Math.max(...waits)).toBeLessThanOrEqual(settleMs + 50)
  })

  test('lets the removals of a rolling replacement pass inside one window', () => {
    const view = new Protected(...numbered(10)).trouble().confirm(0)
    for (let round = 0; round < 9; round += 1) {
      view.observe({ here: [`new${round}`] }, round * 100)
      view.observe({ gone: [`k${round}`] }, round * 100 + 50)
    }
    expect(view.expire(950 + settleMs)).toHaveLength(9)
  })

  test('counts what was removed since the first trouble, whatever trouble follows', () => {
    const view = new Protected(...numbered(6)).trouble()
    view.observe({ gone: ['k0', 'k1'] }, 0)
    expect(view.expire(settleMs)).toEqual(['k0', 'k1'])
    view.trouble().observe({ gone: ['k2', 'k3'] }, settleMs)
    expect(view.expire(2 * settleMs)).toEqual([])
    expect(view.expire(settleMs + holdMs)).toEqual(['k2', 'k3'])
  })

  test('counts a removal whose hold has ended until the window ends', () => {
    const view = new Protected('a', 'b', 'c', 'd').trouble().confirm(0)
    view.observe({ gone: ['a', 'b', 'c'] }, 0, 600)
    expect(view.expire(600)).toEqual(['a', 'b', 'c'])
    expect(view.held).toEqual([])
    expect(view.observe({ gone: ['d'] }, 700, 5_000)).toEqual([])
    expect(view.expire(700 + settleMs)).toEqual([])
    expect(view.expire(5_700)).toEqual(['d'])
  })

  test('does not hold again what it has told', () => {
    const view = new Protected(...numbered(6)).trouble().confirm(0)
    view.observe({ gone: ['k0'] }, 0)
    expect(view.expire(settleMs)).toEqual(['k0'])
    view.observe({ gone: ['k1'] }, settleMs)
    view.observe({ gone: ['k2', 'k3'] }, settleMs)
    expect(view.held).toEqual(['k1', 'k2', 'k3'])
    expect(view.protection.heldCount).toBe(3)
  })

  test('takes what is reported again for no arrival', () => {
    const view = new Protected('a', 'b', 'c', 'd').trouble().confirm(0)
    view.observe({ here: ['a', 'b', 'c', 'd'] }, 1)
    view.observe({ gone: ['a', 'b', 'c'] }, 2)
    expect(view.expire(2 + 2 * settleMs - 50)).toEqual([])
    expect(view.held).toEqual(['a', 'b', 'c'])
  })

  test('ends every hold on a grid, never early, and holds nothing whose owner has no time', () => {
    const view = new Protected('a', 'b', 'c', 'd').trouble().confirm(0)
    view.observe({ gone: ['a', 'b', 'c'] }, 10)
    expect(view.protection.nextExpiryMs()).toBe(1_050)
    expect(view.expire(1_049)).toEqual([])
    expect(view.expire(1_050)).toEqual(['a', 'b', 'c'])
    const other = new Protected('a', 'b', 'c', 'd').trouble().confirm(0)
    expect(other.observe({ gone: ['a', 'b', 'c'] }, 50, 0)).toEqual(['a', 'b', 'c'])
  })

  test('takes time in proportion to the changed keys, however many it holds', () => {
    const keys = numbered(100)
    const view = new Protected(...keys).trouble().confirm(0)
    view.observe({ gone: keys }, 0)
    const walked = vi.spyOn(Map.prototype, Symbol.iterator)
    for (const key of keys.slice(0, 90)) {
      view.observe({ here: [key] }, 1)
      view.observe({ gone: [key] }, 1)
      view.expire(1)
      view.protection.nextExpiryMs()
    }
    expect(walked).not.toHaveBeenCalled()
    walked.mockRestore()
  })
})
