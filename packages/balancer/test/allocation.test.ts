import { createPicker, type Pick, type StrategyName } from '@sd/balancer'
import { expect, test } from 'vitest'
import { added, instances } from './support.ts'

const picks = 5_000

/** Bytes of heap for one pick: the median of rounds, as a garbage collection may disturb some. */
const bytesPerPick = (strategy: StrategyName): number => {
  const picker = createPicker({ strategy })
  picker.apply(added(...instances(100)))
  const kept: Pick[] = Array.from({ length: picks }, () => picker.pick())
  const rounds: number[] = []
  // the code is compiled by then
  for (let round = 0; round < 40; round += 1) {
    for (const picked of kept) picked.done()
    const before = process.memoryUsage().heapUsed
    for (let index = 0; index < picks; index += 1) kept[index] = picker.pick()
    rounds.push((process.memoryUsage().heapUsed - before) / picks)
  }
  return rounds.slice(20).toSorted((a, b) => a - b)[10] ?? Number.NaN
}

test.each<StrategyName>(['p2c', 'round-robin', 'weighted', 'random'])(
  'a pick by %s allocates one object',
  (strategy) => {
    const bytes = bytesPerPick(strategy)
    // an object of three fields has 48 bytes; a random number may be boxed, in 16 bytes
    expect(bytes).toBeGreaterThan(40)
    expect(bytes).toBeLessThan(96)
  },
)
