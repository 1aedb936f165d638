import { createPicker } from '@sd/balancer'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { UnstartedPicks } from '../src/policy/unstarted-picks.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

const instance = (id: string) => ({
  service: 'orders',
  id,
  endpoints: ['grpc://h:1'],
  weight: 1,
  health: 'passing',
  tags: [],
  metadata: {},
})

test('picks that do not become calls no longer count as in flight', () => {
  const picker = createPicker({ strategy: 'p2c' })
  picker.apply(['a', 'b'].map((id) => ({ type: 'added', instance: instance(id) })))
  const unstarted = new UnstartedPicks()
  const ended = vi.fn<() => void>()
  const picks = Array.from({ length: 10 }, () => {
    const pick = picker.pick()
    return { ...pick, instance: pick.instance, endpoint: pick.endpoint, done: ended }
  })
  for (const pick of picks.slice(0, 6)) unstarted.add(pick)
  vi.advanceTimersByTime(3_000)
  for (const pick of picks.slice(6)) unstarted.add(pick)
  unstarted.started(picks[0] as (typeof picks)[number])
  vi.advanceTimersByTime(2_500)
  expect(ended).toHaveBeenCalledTimes(5)
  expect(unstarted.size).toBe(4)
  vi.advanceTimersByTime(10_000)
  expect(ended).toHaveBeenCalledTimes(9)
  expect([unstarted.size, vi.getTimerCount()]).toEqual([0, 0])
  unstarted.add(picks[1] as (typeof picks)[number])
  unstarted.close()
  expect(ended).toHaveBeenCalledTimes(10)
  expect([unstarted.size, vi.getTimerCount()]).toEqual([0, 0])
})
