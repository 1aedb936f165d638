import { Registry, type Watcher } from '@sd/core'
import { instrument } from '@sd/opentelemetry'
import { compare, type Comparison, type Side } from './compare.ts'
import { Feed } from './feed.ts'

const changesPerRound = 10_000

/** The processor time of one change, as load on the machine lengthens the time that passes. */
const round =
  (feed: Feed, watcher: Watcher): Side =>
  async () => {
    const began = process.cpuUsage()
    for (let index = 0; index < changesPerRound; index += 1) {
      feed.change()
      await watcher.next()
    }
    const { user, system } = process.cpuUsage(began)
    return (user + system) / 1_000 / changesPerRound
  }

/** Instrumentation without a provider: an application that may turn on metrics, and has not. */
export const compareInstrumentationCost = async (): Promise<Comparison> => {
  const open = async (): Promise<{ registry: Registry; side: Side }> => {
    const feed = new Feed(100)
    const registry = new Registry(feed.driver())
    const watcher = registry.watch('orders')
    await watcher.next()
    return { registry, side: round(feed, watcher) }
  }
  const plain = await open()
  const instrumented = await open()
  using _ = instrument(instrumented.registry)
  try {
    return await compare(
      'opentelemetry: one change instrumented without a provider, against one not instrumented',
      1.05, // the difference is far below 1 %, and the noise of a busy machine above it
      plain.side,
      instrumented.side,
    )
  } finally {
    await Promise.all([plain.registry.close(), instrumented.registry.close()])
  }
}
