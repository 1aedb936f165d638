import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { DelayLine } from '../../src/servers/delay-line.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

test('runs at once without a delay', () => {
  const done: string[] = []
  new DelayLine(() => 0).push(() => done.push('a'))
  expect(done).toEqual(['a'])
})

test('keeps the order of steps when the delay shrinks', () => {
  let delay = 100
  const done: string[] = []
  const line = new DelayLine(() => delay)
  line.push(() => done.push('a'))
  delay = 0
  line.push(() => done.push('b'))
  expect(done).toEqual([])
  vi.advanceTimersByTime(99)
  expect(done).toEqual([])
  vi.advanceTimersByTime(2)
  expect(done).toEqual(['a', 'b'])
})

test('drops the waiting steps when cleared, and leaves no timer', () => {
  const done: string[] = []
  const line = new DelayLine(() => 50)
  line.push(() => done.push('a'))
  line.clear()
  expect(vi.getTimerCount()).toBe(0)
  line.push(() => done.push('b'))
  vi.advanceTimersByTime(51)
  expect(done).toEqual(['b'])
})

test('may be cleared by a step', () => {
  const done: string[] = []
  const line = new DelayLine(() => 50)
  line.push(() => line.clear())
  line.push(() => done.push('b'))
  vi.advanceTimersByTime(200)
  expect(done).toEqual([])
  expect(vi.getTimerCount()).toBe(0)
})
