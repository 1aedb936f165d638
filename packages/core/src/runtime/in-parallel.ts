/** Runs `work` over `items`, at most `limit` at a time; rejects with the first failure after all ended. */
export const inParallel = async <T>(
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

/** `items` in runs of at most `size`. */
export const inChunks = <T>(items: readonly T[], size: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  )
