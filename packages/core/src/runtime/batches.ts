/**
 * Cuts `items`, in their order, into groups that are no larger than `maxSize` each, as long as no
 * single item is: one that is too large stands alone.
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
 * The results of `work` over `items`, in their order, with at most `limit` running at once. A
 * failure ends one of the `limit` workers and the others go on, so that one bad item does not keep
 * the rest from being done; the first failure is thrown once all have ended.
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
  /** Most items in one batch. */
  readonly size: number
  /** Most batches running at once. */
  readonly parallel: number
}

/** Hands `items` to `work` in batches; rejects with the first failure after all ended. */
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
