/**
 * Splits `items`, in order, into groups of at most `maxSize` each. An item larger than `maxSize`
 * gets a group of its own.
 */
export const groupBySize = <T>(
  items: readonly T[],
  maxSize: number,
  sizeOf: (item: T) => number,
): T[][] => {
  const groups: T[][] = []
  let filled = 0
  for (const item of items) {
    const size = sizeOf(item)
    const group = groups.at(-1)
    if (group === undefined || filled + size > maxSize) {
      groups.push([item])
      filled = size
    } else {
      group.push(item)
      filled += size
    }
  }
  return groups
}

/**
 * Returns the results of `work` over `items`, in order, with at most `limit` calls at once. A
 * failure ends one of the `limit` workers and the others continue, so one bad item does not block
 * the rest. The first failure is thrown once all workers have ended.
 */
export const inParallel = async <T, R>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> => {
  const all = [...items]
  const queue = all.entries()
  const results: R[] = []
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await work(item)
  }
  const workers = Array.from({ length: Math.min(limit, all.length) }, worker)
  for (const end of await Promise.allSettled(workers))
    if (end.status === 'rejected') throw end.reason
  return results
}

/** How a list is divided. */
export interface BatchLimits {
  /** Maximum number of items in one batch. */
  readonly size: number
  /** Maximum number of batches running at once. */
  readonly parallel: number
}

/** Passes `items` to `work` in batches; rejects with the first failure after all have ended. */
export const inBatches = async <T>(
  items: readonly T[],
  { size, parallel }: BatchLimits,
  work: (batch: readonly T[]) => Promise<void>,
): Promise<void> => {
  const batches = Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  )
  await inParallel(batches, parallel, work)
}
