import { createPicker } from '@sd/balancer'
import { expect, test } from 'vitest'
import { added, instance, instances, ManualClock, seeded } from '../support.ts'

const open = (count: number) => {
  const clock = new ManualClock()
  const picker = createPicker({ strategy: 'peak-ewma', clock, random: seeded(11) })
  picker.apply(added(...instances(count)))
  return { clock, picker }
}

type Latency = (id: string) => { readonly latencyMs: number; readonly error?: unknown }

const run = ({ clock, picker }: ReturnType<typeof open>, calls: number, latency: Latency) => {
  const counts: Record<string, number> = {}
  for (let call = 0; call < calls; call += 1) {
    const picked = picker.pick()
    const { id } = picked.instance
    counts[id] = (counts[id] ?? 0) + 1
    clock.advance(1)
    picked.done(latency(id))
  }
  return counts
}

test('avoids a slow instance after its first slow answer', () => {
  const opened = open(4)
  run(opened, 200, () => ({ latencyMs: 10 }))
  const counts = run(opened, 400, (id) => ({ latencyMs: id === 'i2' ? 300 : 10 }))
  expect(counts['i2'] ?? 0).toBeLessThan(5)
})

test('returns to a slow instance over time', () => {
  const opened = open(2)
  run(opened, 100, () => ({ latencyMs: 10 }))
  run(opened, 200, (id) => ({ latencyMs: id === 'i1' ? 100 : 10 }))
  opened.clock.advance(40_000)
  run(opened, 20, () => ({ latencyMs: 10 }))
  const counts = run(opened, 1_000, () => ({ latencyMs: 10 }))
  expect(counts['i1']).toBeGreaterThan(300)
})

test('a new instance gets about its share at once, also after one slow first answer', () => {
  const opened = open(9)
  const random = seeded(5)
  const usual = (): number => 5 + 10 * random.next()
  run(opened, 500, () => ({ latencyMs: usual() }))
  opened.picker.apply(added(instance('new')))
  let answers = 0
  const counts = run(opened, 2_000, (id) => ({
    latencyMs: id === 'new' && (answers += 1) === 1 ? 200 : usual(),
  }))
  // its fair share is 200
  expect(counts['new']).toBeGreaterThan(100)
  expect(counts['new']).toBeLessThan(500)
})

test('a new instance does not get all calls before its first answer', () => {
  const { picker, clock } = open(9)
  for (let call = 0; call < 300; call += 1) {
    const picked = picker.pick()
    clock.advance(1)
    picked.done({ latencyMs: 10 })
  }
  picker.apply(added(instance('new')))
  const picks = Array.from({ length: 60 }, () => picker.pick())
  expect(picks.filter((picked) => picked.instance.id === 'new').length).toBeLessThan(15)
})

test('an instance that fails fast attracts no calls', () => {
  const opened = open(4)
  run(opened, 200, () => ({ latencyMs: 10 }))
  const counts = run(opened, 400, (id) =>
    id === 'i0' ? { latencyMs: 0.1, error: new Error('refused') } : { latencyMs: 10 },
  )
  expect(counts['i0'] ?? 0).toBeLessThan(180)
})

test('measures the latency itself where the caller reports none', () => {
  const opened = open(2)
  const counts: Record<string, number> = {}
  for (let call = 0; call < 200; call += 1) {
    const picked = opened.picker.pick()
    const { id } = picked.instance
    counts[id] = (counts[id] ?? 0) + 1
    opened.clock.advance(id === 'i0' ? 50 : 1)
    picked.done()
  }
  expect(counts['i0']).toBeLessThan(30)
})
