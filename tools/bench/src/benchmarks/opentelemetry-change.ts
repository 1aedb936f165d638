import { Registry } from '@sd/core'
import { instrument } from '@sd/opentelemetry'
import type { Benchmark, Values } from '../frame/benchmark.ts'
import { Feed } from '../rigs/feed.ts'
import { repeated } from '../rigs/repeated.ts'
import { cpuMs } from '../rigs/time-calls.ts'

const changesPerRound = 5_000

const measure = async (instrumented: boolean): Promise<Values> => {
  const feed = new Feed(100)
  const registry = new Registry(feed.driver())
  if (instrumented) instrument(registry)
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
  title: 'Instrumentation that nobody reads',
  about:
    'A change through core, in an application that may turn on metrics and has not: the registry is instrumented by `@sd/opentelemetry`, without a provider.',
  samples: 9,
  sides: {
    plain: { run: () => measure(false) },
    '@sd': { run: () => measure(true) },
  },
  rows: {
    change: {
      what: 'CPU time of one change',
      unit: 'µs',
      // the difference is far below 1 %, and the noise of a busy machine above it
      goals: [{ side: '@sd', against: 'plain', atMost: 1.05 }],
      remains:
        'without a provider `instrument` subscribes to nothing, so both sides run the same code: taken in turns in one process they differ by less than the noise, in both directions. What is measured here is the difference between two processes on a busy machine.',
    },
  },
}
