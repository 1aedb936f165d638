import { Registry } from '@sd/core'
import type { Benchmark, Values } from '../frame/benchmark.ts'
import { Feed } from '../rigs/feed.ts'
import { repeated } from '../rigs/repeated.ts'
import { cpuMs } from '../rigs/time-calls.ts'

const changesPerRound = 2_000

const among = async (size: number): Promise<Values> => {
  const feed = new Feed(size)
  const registry = new Registry(feed.driver())
  const watcher = registry.watch('orders')
  await watcher.next()
  const round = async (): Promise<number> => {
    const beganMs = cpuMs()
    for (let index = 0; index < changesPerRound; index += 1) {
      feed.change()
      await watcher.next()
    }
    return ((cpuMs() - beganMs) / changesPerRound) * 1_000
  }
  return { change: await repeated(round, { warmUp: 10, rounds: 15 }) }
}

export const benchmark: Benchmark = {
  title: 'One change through core',
  about:
    "From a driver's observation to the reader, without a server: a change among 10,000 instances costs the same as one among 10.",
  sides: {
    '@sd, 10': { run: () => among(10) },
    '@sd, 10,000': { run: () => among(10_000) },
  },
  rows: {
    change: {
      what: 'CPU time of one change',
      unit: 'µs',
      goals: [{ side: '@sd, 10,000', against: '@sd, 10', atMost: 2 }],
    },
  },
}
