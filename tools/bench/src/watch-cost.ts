import { Registry, type Watcher } from '@sd/core'
import { compare, type Comparison, type Side } from './compare.ts'
import { Feed } from './feed.ts'

const changesPerRound = 2_000

const round =
  (feed: Feed, watcher: Watcher): Side =>
  async () => {
    const beganMs = performance.now()
    for (let index = 0; index < changesPerRound; index += 1) {
      feed.change()
      await watcher.next()
    }
    return (performance.now() - beganMs) / changesPerRound
  }

/**
 * From a driver's observation to the reader: one change among many instances costs the same as one
 * among few.
 */
export const compareWatchCost = async (): Promise<Comparison> => {
  const open = async (size: number): Promise<{ registry: Registry; side: Side }> => {
    const feed = new Feed(size)
    const registry = new Registry(feed.driver())
    const watcher = registry.watch('orders')
    await watcher.next()
    return { registry, side: round(feed, watcher) }
  }
  const few = await open(10)
  const many = await open(10_000)
  try {
    return await compare(
      'core: one change among 10,000 watched instances, against one among 10',
      2,
      few.side,
      many.side,
    )
  } finally {
    await Promise.all([few.registry.close(), many.registry.close()])
  }
}
