/**
 * The results of `work` over `items`, in their order, at most `limit` on their way at once. A failure
 * takes one of the `limit` places away and the others go on, so that one bad item does not keep the
 * rest from being done; the first failure is thrown once all have ended.
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
