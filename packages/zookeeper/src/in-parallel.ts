/** Most reads of one list on their way at once: more would only wait in the client. */
const maxReads = 64

/** The results of `work` over `items`, in order, a bounded number at a time; the first failure ends it. */
export const inParallel = async <T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> => {
  const results: R[] = []
  const queue = items.entries()
  let failed = false
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (failed) return
      try {
        results[index] = await work(item)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(maxReads, items.length) }, worker))
  return results
}
