import { describe, expect, test } from 'vitest'
import { LossProtection } from '../src/watch/loss-protection.ts'

const holdMs = 1_000
const settleMs = 500
const settings = { maxFraction: 0.5, holdMs, minInstances: 3 }
const hold = (): number => holdMs

describe('LossProtection', () => {
  test('lets every removal pass in good times', () => {
    const protection = new LossProtection(settings)
    protection.confirm(0)
    expect(protection.judge(['a', 'b', 'c'], hold, 1)).toEqual(['a', 'b', 'c'])
    expect(protection.held.size).toBe(0)
  })

  test('holds a loss of more than the fraction inside the window, all of it', () => {
    const protection = new LossProtection(settings)
    protection.trouble(4, 0)
    protection.confirm(10)
    expect(protection.judge(['a', 'b', 'c'], hold, 10)).toEqual([])
    expect([...protection.held.keys()]).toEqual(['a', 'b', 'c'])
  })

  test('lets a loss of up to the fraction pass after a moment', () => {
    const protection = new LossProtection(settings)
    protection.trouble(4, 0)
    protection.confirm(10)
    expect(protection.judge(['a'], hold, 11)).toEqual([])
    expect(protection.judge(['b'], hold, 12)).toEqual([])
    expect(protection.nextExpiryMs()).toBe(11 + settleMs)
    expect(protection.expire(11 + settleMs)).toEqual(['a'])
    expect(protection.expire(12 + settleMs)).toEqual(['b'])
  })

  test('judges removals that come one by one together, and holds all of them', () => {
    const protection = new LossProtection(settings)
    protection.trouble(4, 0)
    protection.confirm(10)
    protection.judge(['a'], hold, 11)
    protection.judge(['b'], hold, 200)
    expect(protection.judge(['c'], hold, 400)).toEqual([])
    expect(protection.expire(1_010)).toEqual([])
    expect(protection.expire(1_011)).toEqual(['a'])
    expect(protection.expire(1_400)).toEqual(['b', 'c'])
  })

  test('counts what it let pass, too', () => {
    const protection = new LossProtection(settings)
    protection.trouble(4, 0)
    protection.confirm(10)
    protection.judge(['a', 'b'], hold, 11)
    protection.expire(11 + settleMs)
    expect(protection.judge(['c'], hold, 600)).toEqual([])
    expect(protection.nextExpiryMs()).toBe(1_600)
  })

  test('does not count what came back', () => {
    const protection = new LossProtection(settings)
    protection.trouble(4, 0)
    protection.confirm(10)
    protection.judge(['a', 'b'], hold, 11)
    protection.present(['a'])
    protection.judge(['c'], hold, 13)
    expect(protection.expire(13 + settleMs)).toEqual(['b', 'c'])
  })

  test('waits no longer than the hold', () => {
    const protection = new LossProtection({ ...settings, holdMs: 100 })
    protection.trouble(4, 0)
    protection.judge(['a'], () => 100, 0)
    expect(protection.expire(100)).toEqual(['a'])
  })

  test('protects no view smaller than the least', () => {
    const protection = new LossProtection(settings)
    protection.trouble(2, 0)
    protection.confirm(10)
    expect(protection.judge(['a', 'b'], hold, 10)).toEqual(['a', 'b'])
  })

  test('ends the window holdMs after the first good observation, not the last', () => {
    const protection = new LossProtection(settings)
    protection.trouble(4, 0)
    protection.confirm(10)
    protection.confirm(900)
    expect(protection.judge(['a', 'b', 'c'], hold, 1_010)).toEqual(['a', 'b', 'c'])
  })

  test('judges by the view before the trouble, however small it has become', () => {
    const protection = new LossProtection(settings)
    protection.trouble(10, 0)
    protection.confirm(10)
    protection.trouble(2, 20)
    protection.judge(['a', 'b', 'c'], hold, 21)
    expect(protection.expire(21 + settleMs)).toEqual(['a', 'b', 'c'])
  })

  test('releases on return, and expires what does not return', () => {
    const protection = new LossProtection(settings)
    protection.trouble(3, 0)
    protection.confirm(10)
    protection.judge(['a', 'b'], hold, 10)
    protection.present(['a'])
    expect(protection.nextExpiryMs()).toBe(1_010)
    expect(protection.expire(1_009)).toEqual([])
    expect(protection.expire(1_010)).toEqual(['b'])
    expect(protection.held.size).toBe(0)
  })

  test('never arms a hold again: a flapping instance is let go by its first absence', () => {
    const protection = new LossProtection(settings)
    protection.trouble(4, 0)
    protection.judge(['a', 'b', 'c'], hold, 10)
    protection.present(['a', 'b', 'c'])
    protection.trouble(4, 60)
    expect(protection.judge(['a', 'b', 'c'], hold, 80)).toEqual([])
    expect(protection.expire(1_010)).toEqual(['a', 'b', 'c'])
    protection.present(['a', 'b', 'c'])
    expect(protection.judge(['a', 'b', 'c'], hold, 1_020)).toEqual(['a', 'b', 'c'])
  })

  test('holds each as long as its owner may need', () => {
    const protection = new LossProtection(settings)
    protection.trouble(3, 0)
    protection.judge(['a', 'b'], (key) => (key === 'a' ? 500 : 100), 0)
    expect(protection.expire(100)).toEqual(['b'])
    expect(protection.expire(500)).toEqual(['a'])
  })
})
