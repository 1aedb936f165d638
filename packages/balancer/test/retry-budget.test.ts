import { RetryBudget } from '@sd/balancer'
import { expect, test } from 'vitest'
import { ManualClock } from './support.ts'

const withdrawAll = (budget: RetryBudget): number => {
  let count = 0
  while (budget.withdraw()) count += 1
  return count
}

test('allows ten a second without requests, over ten seconds', () => {
  expect(withdrawAll(new RetryBudget({ clock: new ManualClock() }))).toBe(100)
})

test('allows a fifth of the requests in addition', () => {
  const budget = new RetryBudget({ clock: new ManualClock() })
  for (let request = 0; request < 1_000; request += 1) budget.deposit()
  expect(budget.balance).toBe(300)
  expect(withdrawAll(budget)).toBe(300)
  expect(budget.balance).toBe(0)
})

test('forgets requests and retries after the window', () => {
  const clock = new ManualClock()
  const budget = new RetryBudget({ clock, minPerSecond: 0, ratio: 0.5 })
  for (let request = 0; request < 100; request += 1) budget.deposit()
  expect(withdrawAll(budget)).toBe(50)
  clock.advance(5_000)
  for (let request = 0; request < 100; request += 1) budget.deposit()
  expect(withdrawAll(budget)).toBe(50)
  clock.advance(5_000)
  expect(budget.balance).toBe(0)
  clock.advance(5_000)
  for (let request = 0; request < 10; request += 1) budget.deposit()
  expect(withdrawAll(budget)).toBe(5)
  clock.advance(100_000)
  expect(budget.balance).toBe(0)
})

test('the window slides in tenths', () => {
  const clock = new ManualClock()
  const budget = new RetryBudget({ clock, windowMs: 1_000, minPerSecond: 0, ratio: 1 })
  for (let slice = 0; slice < 30; slice += 1) {
    budget.deposit()
    clock.advance(100)
  }
  expect(budget.balance).toBe(9)
})
