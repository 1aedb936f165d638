import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { balancerChannel, type BalancerEvent, createPicker } from '@sd/balancer'
import type { ServiceInstance } from '@sd/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  added,
  instance,
  instances,
  ManualClock,
  removed,
  seeded,
  tally,
  updated,
} from './support.ts'

let heard: BalancerEvent[] = []
const listen = (message: unknown): void => void heard.push(message as BalancerEvent)
beforeEach(() => subscribe(balancerChannel, listen))
afterEach(() => {
  unsubscribe(balancerChannel, listen)
  heard = []
})

const fleet = (...healths: readonly ServiceInstance['health'][]): readonly ServiceInstance[] =>
  healths.map((health, index) => instance(`i${index}`, { health }))

const open = (present: readonly ServiceInstance[], panicPercent?: number) => {
  const picker = createPicker({ random: seeded(3), panicPercent })
  picker.apply(added(...present))
  const picked = (): readonly string[] => Object.keys(tally(() => picker.pick(), 60)).toSorted()
  return { picker, picked }
}

describe.each(['failing', 'draining', 'known-to-a-later-version'])(
  'an instance that is %s',
  (health) => {
    test('is not picked, and is picked again once it passes', () => {
      const [one, ...others] = instances(3)
      const { picker, picked } = open([one!, ...others])
      picker.apply(updated(one!, { health }))
      expect(picked()).toEqual(['i1', 'i2'])
      expect([picker.size, picker.available.length, picker.instances.length]).toEqual([2, 2, 3])
      picker.apply(updated({ ...one!, health }, { health: 'passing' }))
      expect(picked()).toEqual(['i0', 'i1', 'i2'])
    })

    test('keeps its statistics', () => {
      const [one, two, three] = instances(3)
      const { picker, picked } = open([one!, two!, three!])
      const held = picker.pick({ exclude: new Set(['i1', 'i2']) })
      picker.apply(updated(one!, { health }))
      picker.apply(updated({ ...one!, health }, { health: 'passing' }))
      // its call in flight still counts: the two idle ones come first
      expect(picked()).toEqual(['i1', 'i2'])
      held.done()
      expect(picked()).toEqual(['i0', 'i1', 'i2'])
    })
  },
)

describe('panic', () => {
  test('with half of them passing, only those are picked; with fewer, failing ones too', () => {
    expect(open(fleet('failing', 'passing')).picked()).toEqual(['i1'])
    expect(heard).toEqual([])
    expect(open(fleet('passing', 'failing', 'failing')).picked()).toEqual(['i0', 'i1', 'i2'])
    expect(heard.at(-1)).toMatchObject({ event: 'panic-began', failing: 2, instances: 3 })
  })

  test('ends when enough pass', () => {
    const present = fleet('passing', 'failing', 'failing')
    const { picker, picked } = open(present)
    picker.apply(updated(present[2]!, { health: 'passing' }))
    expect(picked()).toEqual(['i0', 'i2'])
    expect(heard.at(-1)).toMatchObject({ event: 'panic-ended' })
  })

  test('a check that fails everywhere excludes no instance', () => {
    const { picked } = open(fleet('failing', 'failing', 'failing', 'failing'))
    expect(picked()).toEqual(['i0', 'i1', 'i2', 'i3'])
  })

  test('counts failing and ejected instances together', () => {
    const picker = createPicker({
      random: seeded(3),
      outlier: { maxEjectionPercent: 100 },
      clock: new ManualClock(),
    })
    const present = fleet('failing', 'passing', 'passing', 'passing')
    picker.apply(added(...present))
    const eject = (id: string): void => {
      const others = new Set(present.map((one) => one.id).filter((other) => other !== id))
      for (let index = 0; index < 5; index += 1) picker.pick({ exclude: others }).done({ error: 1 })
    }
    eject('i1')
    expect(picker.available.map(({ id }) => id)).toEqual(['i2', 'i3'])
    eject('i2')
    expect(picker.available).toHaveLength(4)
    expect(heard.at(-1)).toMatchObject({
      event: 'panic-began',
      failing: 1,
      ejected: 2,
      instances: 4,
    })
  })

  test('draining instances do not count, and are picked only when there are no others', () => {
    const present = fleet('draining', 'draining', 'passing')
    const { picker, picked } = open(present)
    expect(picked()).toEqual(['i2'])
    expect(heard).toEqual([])
    picker.apply(updated(present[2]!, { health: 'failing' }))
    expect(picked()).toEqual(['i2'])
    picker.apply(removed(present[2]!))
    expect(picked()).toEqual(['i0', 'i1'])
    picker.apply(added(instance('new')))
    expect(picked()).toEqual(['new'])
  })

  test('with 0 percent an error counts failing and draining instances', () => {
    const { picker } = open(fleet('failing', 'failing', 'draining'), 0)
    expect(() => picker.pick()).toThrow('of 3 registered instances 2 are failing, 1 is draining')
  })

  test('an instance drained by its weight stays excluded', () => {
    const present = [instance('a', { weight: 0 }), instance('b', { health: 'failing' })]
    expect(open(present).picked()).toEqual(['b'])
  })
})

test('slow start begins when the instance passes for the first time', () => {
  const clock = new ManualClock()
  const picker = createPicker({ random: seeded(4), clock, slowStart: { windowMs: 10_000 } })
  picker.apply(added(...instances(3)))
  const late = instance('late', { health: 'failing' })
  picker.apply(added(late))
  clock.advance(60_000)
  picker.apply(updated(late, { health: 'passing' }))
  const early = tally(() => picker.pick(), 1_000)['late'] ?? 0
  clock.advance(10_000)
  const later = tally(() => picker.pick(), 1_000)['late'] ?? 0
  expect(early).toBeLessThan(80)
  expect(later).toBeGreaterThan(180)
})
