import type { Benchmark } from '../frame/benchmark.ts'
import { changes, fromArray, picks, picksAndDone, uneven, usual } from '../rigs/balancer-rounds.ts'

export const benchmark: Benchmark = {
  title: 'Picking an instance',
  about:
    'Picks among instances in memory, beside `array[i++ % n]` behind a call, and changes of the instances. `peak-ewma` and `weighted` are measured with the `done` of each pick.',
  sides: {
    'array, 10': { run: () => fromArray(10) },
    'array, 10,000': { run: () => fromArray(10_000) },
    'round-robin, 10': { run: () => picks('round-robin', 10) },
    'round-robin, 10,000': {
      run: async () => picks('round-robin', 10_000),
    },
    'p2c, 10': { run: () => picks('p2c', 10) },
    'p2c, 10,000': {
      run: async () => ({
        ...(await picks('p2c', 10_000)),
        ...(await changes('p2c', 10_000)),
      }),
    },
    'peak-ewma, 10,000': {
      run: async () => ({
        ...(await picksAndDone('peak-ewma', 10_000, usual)),
        ...(await changes('peak-ewma', 10_000)),
      }),
    },
    'weighted, 10,000': {
      run: async () => ({
        ...(await picksAndDone('weighted', 10_000, uneven)),
        ...(await changes('weighted', 10_000)),
      }),
    },
    'consistent-hash, 10,000': { run: () => changes('consistent-hash', 10_000) },
  },
  rows: {
    pick: {
      what: 'a pick',
      unit: 'µs',
      goals: [
        { side: 'round-robin, 10', against: 'array, 10', atMost: 3 },
        { side: 'round-robin, 10,000', against: 'array, 10,000', atMost: 3 },
        { side: 'p2c, 10', against: 'array, 10', atMost: 8 },
        { side: 'p2c, 10,000', against: 'array, 10,000', atMost: 8 },
        { side: 'round-robin, 10,000', against: 'round-robin, 10', atMost: 2 },
        { side: 'p2c, 10,000', against: 'p2c, 10', atMost: 2 },
        { side: 'peak-ewma, 10,000', atMost: 1 },
        { side: 'weighted, 10,000', atMost: 1 },
      ],
    },
    change: {
      what: 'a change',
      unit: 'µs',
      goals: [
        { side: 'p2c, 10,000', atMost: 50 },
        { side: 'weighted, 10,000', atMost: 50 },
        { side: 'peak-ewma, 10,000', atMost: 50 },
        { side: 'consistent-hash, 10,000', atMost: 1_000 },
      ],
    },
  },
}
