import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import {
  balancerChannel,
  type BalancerEvent,
  createPicker,
  type OutlierOptions,
} from '@sd/balancer'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { added, instances, ManualClock, removed, seeded } from './support.ts'

let heard: BalancerEvent[] = []
const listen = (message: unknown): void => void heard.push(message as BalancerEvent)
beforeEach(() => subscribe(balancerChannel, listen))
afterEach(() => {
  unsubscribe(balancerChannel, listen)
  heard = []
})

const open = (count: number, outlier: OutlierOptions | true = true, panicPercent = 50) => {
  const clock = new ManualClock()
  const picker = createPicker({ outlier, panicPercent, clock, random: seeded(2) })
  const all = instances(count)
  picker.apply(added(...all))
  const call = (id: string, failed: boolean): void => {
    const others = all.map((one) => one.id).filter((other) => other !== id)
    picker.pick({ exclude: new Set(others) }).done(failed ? { error: 'failed' } : {})
  }
  const rounds = (calls: number, failing: (id: string, call: number) => boolean): void => {
    for (const { id } of all)
      for (let index = 0; index < calls; index += 1) call(id, failing(id, index))
  }
  const canPick = (id: string): boolean => {
    try {
      call(id, false)
      return true
    } catch {
      return false
    }
  }
  return { clock, picker, all, call, rounds, canPick }
}

const ratesOnly = { consecutiveErrors: false } as const

describe('consecutive errors', () => {
  test('the fifth in a row ejects at once, for 30 s', () => {
    const { clock, call, canPick } = open(10)
    for (let index = 0; index < 4; index += 1) call('i3', true)
    call('i3', false)
    for (let index = 0; index < 4; index += 1) call('i3', true)
    expect(heard).toEqual([])
    call('i3', true)
    expect(canPick('i3')).toBe(false)
    expect(heard).toEqual([
      {
        backend: 'balancer',
        service: 'orders',
        event: 'instance-ejected',
        id: 'i3',
        reason: 'consecutive-errors',
        forMs: 30_000,
      },
    ])
    clock.advance(20_000)
    expect(canPick('i3')).toBe(false)
    clock.advance(10_000)
    expect(canPick('i3')).toBe(true)
    expect(heard.at(-1)).toMatchObject({ event: 'instance-returned', id: 'i3' })
  })

  test('each further ejection lasts longer, up to the maximum, and shorter again after intervals without one', () => {
    const { clock, call } = open(10, { maxEjectionMs: 70_000 })
    const eject = (): unknown => {
      for (let index = 0; index < 5; index += 1) call('i0', true)
      const event = heard.findLast((one) => one.event === 'instance-ejected')
      return event?.event === 'instance-ejected' ? event.forMs : undefined
    }
    expect(eject()).toBe(30_000)
    clock.advance(30_000)
    expect(eject()).toBe(60_000)
    clock.advance(60_000)
    expect(eject()).toBe(70_000)
    clock.advance(70_000)
    // three intervals without an ejection
    clock.advance(30_000)
    expect(eject()).toBe(30_000)
  })

  test('ejects at most maxEjectionPercent, but at least one', () => {
    const { call, canPick, all } = open(10, { maxEjectionPercent: 20 })
    for (const { id } of all) for (let index = 0; index < 5; index += 1) call(id, true)
    expect(all.filter(({ id }) => canPick(id)).length).toBe(8)
    const few = open(3, { maxEjectionPercent: 1 })
    for (let index = 0; index < 5; index += 1) few.call('i0', true)
    expect(few.canPick('i0')).toBe(false)
  })
})

describe('success rate', () => {
  test('ejects an instance far below the others, at the end of the interval', () => {
    const { clock, rounds, canPick } = open(10, ratesOnly)
    rounds(100, (id, call) => id === 'i4' && call % 2 === 0)
    expect(canPick('i4')).toBe(true)
    clock.advance(10_000)
    expect(canPick('i4')).toBe(false)
    expect(heard).toMatchObject([{ event: 'instance-ejected', id: 'i4', reason: 'success-rate' }])
  })

  test('ejects none with fewer calls or instances than required', () => {
    const quiet = open(10, { ...ratesOnly, failurePercentage: false })
    quiet.rounds(99, (id) => id === 'i4')
    quiet.clock.advance(10_000)
    const few = open(4, { ...ratesOnly, failurePercentage: false })
    few.rounds(100, (id) => id === 'i1')
    few.clock.advance(10_000)
    expect(heard).toEqual([])
  })

  test('does not eject an instance slightly below the others', () => {
    const { clock, rounds } = open(10, { ...ratesOnly, failurePercentage: false })
    rounds(100, (id, call) => call < Number(id.slice(1)))
    clock.advance(10_000)
    expect(heard).toEqual([])
  })

  test('ejects none when all fail equally', () => {
    const { clock, rounds } = open(10, { ...ratesOnly, failurePercentage: false })
    rounds(100, (_id, call) => call % 2 === 0)
    clock.advance(10_000)
    expect(heard).toEqual([])
  })
})

describe('failure percentage', () => {
  const options = { ...ratesOnly, successRate: false } as const

  test('ejects an instance above the failure percentage', () => {
    const { clock, rounds } = open(10, options)
    rounds(50, (id, call) => (id === 'i4' ? call < 43 : id === 'i5' && call < 42))
    clock.advance(10_000)
    expect(heard).toMatchObject([{ id: 'i4', reason: 'failure-percentage' }])
  })

  test('calls of an earlier interval do not count', () => {
    const { clock, rounds } = open(10, options)
    rounds(49, (id) => id === 'i4')
    clock.advance(10_000)
    rounds(49, (id) => id === 'i4')
    clock.advance(10_000)
    expect(heard).toEqual([])
  })
})

describe('panic', () => {
  test('with fewer than half left all are picked, until enough have returned', () => {
    const { clock, call, canPick, picker, all } = open(4, { maxEjectionPercent: 100 })
    for (const id of ['i0', 'i1']) for (let index = 0; index < 5; index += 1) call(id, true)
    expect([canPick('i0'), canPick('i1'), canPick('i2')]).toEqual([false, false, true])
    for (let index = 0; index < 5; index += 1) call('i2', true)
    expect(heard.at(-1)).toMatchObject({ event: 'panic-began', ejected: 3, instances: 4 })
    expect(picker.size).toBe(4)
    expect(all.every(({ id }) => canPick(id))).toBe(true)
    clock.advance(30_000)
    expect(heard.filter(({ event }) => event.startsWith('panic'))).toHaveLength(2)
    expect(picker.size).toBe(4)
  })

  test('removed instances cause it as well', () => {
    const { call, picker, all } = open(5, { maxEjectionPercent: 40 })
    for (const id of ['i0', 'i1']) for (let index = 0; index < 5; index += 1) call(id, true)
    expect(picker.size).toBe(3)
    picker.apply(removed(all[3]!, all[4]!))
    expect(picker.size).toBe(3)
    expect(picker.instances).toHaveLength(3)
  })

  test('with 0 percent an error says that all are ejected', () => {
    const { call, picker } = open(1, { maxEjectionPercent: 100 }, 0)
    for (let index = 0; index < 5; index += 1) call('i0', true)
    expect(() => picker.pick()).toThrow('of 1 registered instance 1 is ejected after failed calls')
  })
})

test('an idle picker has no timer', () => {
  const { clock, call, picker } = open(10)
  expect(clock.pending).toBe(0)
  call('i0', false)
  expect(clock.pending).toBe(1)
  clock.advance(10_000)
  expect(clock.pending).toBe(0)
  for (let index = 0; index < 5; index += 1) call('i0', true)
  expect(clock.pending).toBe(1)
  const late = picker.pick()
  picker.close()
  expect(clock.pending).toBe(0)
  late.done({ error: 'late' })
  expect(picker.apply(added(...instances(20)))).toEqual([])
  expect(clock.pending).toBe(0)
})

test('an ejected instance that is also suspended stays ejected until its time is over', () => {
  const { clock, call, picker, canPick } = open(10)
  for (let index = 0; index < 5; index += 1) call('i0', true)
  picker.suspend('i0')
  clock.advance(5_000)
  picker.resume('i0')
  expect(canPick('i0')).toBe(false)
  picker.suspend('i0')
  clock.advance(30_000)
  picker.resume('i0')
  expect(canPick('i0')).toBe(true)
})
