/** Runs `work` over `items`, at most `limit` at a time; rejects with the first failure after all ended. */
const inParallel = async <T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> => {
  const queue = items.values()
  const worker = async (): Promise<void> => {
    for (const item of queue) await work(item)
  }
  const results = await Promise.allSettled(
    Array.from({ length: Math.min(limit, items.length) }, worker),
  )
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

/** How a list is worked through. */
export interface BatchLimits {
  /** Most items in one batch. */
  readonly size: number
  /** Most batches on their way at once. */
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
