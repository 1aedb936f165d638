import { createPicker, type Picker, type StrategyName } from '@sd/balancer'
import type { InstanceChange, ServiceInstance } from '@sd/core'
import type { Values } from '../frame/benchmark.ts'

const slices = 30
const picksPerSlice = 10_000
const changesPerRound = 3_000

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

/** Every instance with the default weight. */
export const usual = (): number => 100
/** Weights from 1 to 10. */
export const uneven = (index: number): number => 1 + (index % 10)

const pickerOf = (strategy: StrategyName, instances: readonly ServiceInstance[]): Picker => {
  const picker = createPicker({ strategy })
  picker.apply(instances.map((instance) => ({ type: 'added', instance })))
  return picker
}

/** Keeps the last pick, so that no compiler removes the calls. */
let kept: unknown

/**
 * The microseconds of a call: in the fastest of several slices, as with frequent picks, which keep the
 * members of a large fleet in the cache. The first slices warm up.
 */
const timed = (call: () => void): Values => {
  const picks: number[] = []
  for (let slice = 0; slice < 2 * slices; slice += 1) {
    const began = performance.now()
    for (let index = 0; index < picksPerSlice; index += 1) call()
    if (slice >= slices) picks.push(((performance.now() - began) / picksPerSlice) * 1_000)
  }
  if (kept === undefined) throw new Error('nothing was picked')
  return { pick: Math.min(...picks) }
}

/** `array[i++ % n]` behind a call. */
export const fromArray = async (size: number): Promise<Values> => {
  const instances = fleet(size, usual)
  let next = 0
  const pick = (): ServiceInstance | undefined => instances[next++ % size]
  return timed(() => {
    kept = pick()
  })
}

/** Picks without `done`. */
export const picks = async (strategy: StrategyName, size: number): Promise<Values> => {
  const picker = pickerOf(strategy, fleet(size, usual))
  return timed(() => {
    kept = picker.pick()
  })
}

/** Picks, and the `done` of each. */
export const picksAndDone = async (
  strategy: StrategyName,
  size: number,
  weightOf: (index: number) => number,
): Promise<Values> => {
  const picker = pickerOf(strategy, fleet(size, weightOf))
  return timed(() => {
    const pick = picker.pick()
    kept = pick
    pick.done()
  })
}

/** An instance leaves, comes back, and has its weight changed: the mean of the three. */
export const changes = async (strategy: StrategyName, size: number): Promise<Values> => {
  const picker = pickerOf(strategy, fleet(size, usual))
  const one = instanceOf(size >> 1, usual())
  const other = { ...one, weight: 50 }
  const steps: readonly (readonly InstanceChange[])[] = [
    [{ type: 'removed', instance: one }],
    [{ type: 'added', instance: other }],
    [{ type: 'updated', instance: one, previous: other }],
  ]
  const round = (): number => {
    const beganMs = performance.now()
    for (let step = 0; step < changesPerRound; step += 1)
      kept = picker.apply(steps[step % steps.length] ?? [])
    return ((performance.now() - beganMs) / changesPerRound) * 1_000
  }
  round()
  // the mean of all: an occasional change is expensive, when a table grows
  return { change: [round(), round(), round()] }
}
