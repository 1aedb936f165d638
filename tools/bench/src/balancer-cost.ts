import { createPicker, type Picker, type StrategyName } from '@sd/balancer'
import type { InstanceChange, ServiceInstance } from '@sd/core'
import { compare, type Comparison, type Side } from './compare.ts'

const picksPerRound = 20_000
const changesPerRound = 200
/** Times are of so many calls: one takes nanoseconds. */
const unit = 1_000

const instanceOf = (index: number, weight: number): ServiceInstance => ({
  service: 'orders',
  id: `i${index}`,
  endpoints: [`http://10.0.0.1:${8_000 + index}`],
  weight,
  tags: [],
  metadata: {},
})

const fleet = (size: number, weightOf: (index: number) => number): readonly ServiceInstance[] =>
  Array.from({ length: size }, (_, index) => instanceOf(index, weightOf(index)))

const usual = (): number => 100
const uneven = (index: number): number => 1 + (index % 10)

const pickerOf = (strategy: StrategyName, instances: readonly ServiceInstance[]): Picker => {
  const picker = createPicker({ strategy })
  picker.apply(instances.map((instance) => ({ type: 'added', instance })))
  return picker
}

/** What is picked is used, so that picking cannot be left out. */
let used = 0

/** The milliseconds that a thousand calls take, from a round of `calls`. */
const timed =
  (calls: number, call: () => void): Side =>
  async () => {
    const beganMs = performance.now()
    for (let index = 0; index < calls; index += 1) call()
    return ((performance.now() - beganMs) / calls) * unit
  }

/** `array[i++ % n]` behind a call. */
const fromArray = (size: number): Side => {
  const instances = fleet(size, usual)
  let next = 0
  const pick = (): ServiceInstance | undefined => instances[next++ % size]
  return timed(picksPerRound, () => {
    used += pick()?.weight ?? 0
  })
}

const picks = (strategy: StrategyName, size: number): Side => {
  const picker = pickerOf(strategy, fleet(size, usual))
  return timed(picksPerRound, () => {
    used += picker.pick().instance.weight
  })
}

const picksAndDone = (strategy: StrategyName, size: number): Side => {
  const picker = pickerOf(strategy, fleet(size, uneven))
  return timed(picksPerRound, () => {
    const pick = picker.pick()
    used += pick.instance.weight
    pick.done()
  })
}

/** One leaves, comes back, and has its weight changed: the mean of the three. */
const changes = (strategy: StrategyName, size: number): Side => {
  const picker = pickerOf(strategy, fleet(size, usual))
  const one = instanceOf(size >> 1, usual())
  const other = { ...one, weight: 50 }
  const steps: readonly (readonly InstanceChange[])[] = [
    [{ type: 'removed', instance: one }],
    [{ type: 'added', instance: other }],
    [{ type: 'updated', instance: one, previous: other }],
  ]
  let step = 0
  return timed(changesPerRound, () => {
    used += picker.apply(steps[step++ % steps.length] ?? []).length
  })
}

/** A fixed time for one call, as a side to compare with. */
const within =
  (ms: number): Side =>
  () =>
    Promise.resolve(ms * unit)

/** Picks and changes: against an array, against few instances, and against fixed times. */
export const compareBalancerCost = async function* (): AsyncGenerator<Comparison> {
  for (const [strategy, limit] of [
    ['round-robin', 3],
    ['p2c', 8],
  ] as const) {
    for (const size of [10, 10_000])
      yield compare(
        `balancer: 1,000 picks by ${strategy} among ${size}, against array[i++ % n]`,
        limit,
        fromArray(size),
        picks(strategy, size),
      )
  }
  for (const strategy of ['peak-ewma', 'weighted'] as const)
    yield compare(
      `balancer: 1,000 picks and done by ${strategy} among 10,000, against 1 µs each`,
      1,
      within(0.001),
      picksAndDone(strategy, 10_000),
    )
  for (const strategy of ['p2c', 'weighted', 'peak-ewma'] as const)
    yield compare(
      `balancer: 1,000 changes among 10,000 with ${strategy}, against 50 µs each`,
      1,
      within(0.05),
      changes(strategy, 10_000),
    )
  yield compare(
    'balancer: 1,000 changes among 10,000 with consistent-hash, against 1 ms each',
    1,
    within(1),
    changes('consistent-hash', 10_000),
  )
  if (Number.isNaN(used)) throw new Error('a weight is no number')
}
