import { createPicker, type Picker, type StrategyName } from '@sd/balancer'
import type { InstanceChange, ServiceInstance } from '@sd/core'
import { compare, type Comparison, type Side } from './compare.ts'

const slices = 10
const picksPerSlice = 10_000
const changesPerRound = 500
/** Times are per this number of calls: one call takes nanoseconds. */
const unit = 1_000

const instanceOf = (index: number, weight: number): ServiceInstance => ({
  service: 'orders',
  id: `i${index}`,
  endpoints: [`http://10.0.0.1:${8_000 + index}`],
  weight,
  health: 'passing',
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

/** Keeps the last pick, so that no compiler removes the calls. */
let kept: unknown

/**
 * The milliseconds that a thousand calls take: the fastest of several slices. This reduces the
 * influence of other work on the machine, and keeps the members of a large fleet in the cache, as
 * with frequent picks.
 */
const timed =
  (calls: number, call: () => void, among = slices): Side =>
  async () => {
    let bestMs = Number.POSITIVE_INFINITY
    for (let slice = 0; slice < among; slice += 1) {
      const beganMs = performance.now()
      for (let index = 0; index < calls; index += 1) call()
      bestMs = Math.min(bestMs, performance.now() - beganMs)
    }
    return (bestMs / calls) * unit
  }

/** `array[i++ % n]` behind a call. */
const fromArray = (size: number): Side => {
  const instances = fleet(size, usual)
  let next = 0
  const pick = (): ServiceInstance | undefined => instances[next++ % size]
  return timed(picksPerSlice, () => {
    kept = pick()
  })
}

const picks = (strategy: StrategyName, size: number): Side => {
  const picker = pickerOf(strategy, fleet(size, usual))
  return timed(picksPerSlice, () => {
    kept = picker.pick()
  })
}

const picksAndDone = (
  strategy: StrategyName,
  size: number,
  weightOf: (index: number) => number,
): Side => {
  const picker = pickerOf(strategy, fleet(size, weightOf))
  return timed(picksPerSlice, () => {
    const pick = picker.pick()
    kept = pick
    pick.done()
  })
}

/** An instance leaves, comes back, and has its weight changed: the mean of the three. */
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
  // the mean of all: an occasional change is expensive, when a table grows
  const change = (): void => {
    kept = picker.apply(steps[step++ % steps.length] ?? [])
  }
  return timed(changesPerRound, change, 1)
}

/** A fixed time for one call, as a side to compare with. */
const within =
  (ms: number): Side =>
  () =>
    Promise.resolve(ms * unit)

/** Compares picks and changes with an array, with few instances, and with fixed times. */
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
  for (const strategy of ['round-robin', 'p2c'] as const)
    yield compare(
      `balancer: 1,000 picks by ${strategy} among 10,000, against among 10`,
      2,
      picks(strategy, 10),
      picks(strategy, 10_000),
    )
  for (const [strategy, weightOf] of [
    ['peak-ewma', usual],
    ['weighted', uneven],
  ] as const)
    yield compare(
      `balancer: 1,000 picks and done by ${strategy} among 10,000, against 1 µs each`,
      1,
      within(0.001),
      picksAndDone(strategy, 10_000, weightOf),
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
  if (kept === undefined) throw new Error('nothing was picked')
}
