import { inParallel } from './in-parallel.ts'

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
