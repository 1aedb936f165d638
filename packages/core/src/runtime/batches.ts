import { RegistryError, type RegistryErrorCode } from '../registry-error.ts'
import type { CallSubject } from './abort.ts'

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
  // nearly always one
  if (all.length === 1) return [await work(all[0] as T)]
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

/** Failures that do not depend on what was sent: smaller batches would fail too. */
const ofTheConnection: ReadonlySet<RegistryErrorCode> = new Set([
  'unavailable',
  'timeout',
  'session-lost',
  'closed',
])

/** Whether a single item may have caused the failure. */
export const isOfItems = (cause: RegistryError): boolean => !ofTheConnection.has(cause.code)

/** How `inBatches` divides its items, and what it does with a batch. */
export interface BatchWork<T> {
  /** Maximum number of items in one batch. */
  readonly size: number
  /** Maximum number of batches running at once. */
  readonly parallel: number
  /** Aborting it ends the division of refused batches. */
  readonly signal: AbortSignal
  readonly subjectOf: (batch: readonly T[]) => CallSubject
  readonly work: (batch: readonly T[], subject: CallSubject) => Promise<void>
  /** Called with the items of a failed batch; more than one only where the connection failed. */
  readonly failed: (batch: readonly T[], cause: RegistryError) => void
}

const tryBatch = async <T>(batch: readonly T[], work: BatchWork<T>): Promise<void> => {
  const subject = work.subjectOf(batch)
  try {
    await work.work(batch, subject)
  } catch (thrown) {
    const cause = RegistryError.from(thrown, subject)
    if (batch.length <= 1 || work.signal.aborted || !isOfItems(cause)) {
      work.failed(batch, cause)
      return
    }
    const middle = Math.ceil(batch.length / 2)
    await tryBatch(batch.slice(0, middle), work)
    await tryBatch(batch.slice(middle), work)
  }
}

/**
 * Processes `items` in batches that the backend accepts or refuses as a whole. One forbidden item
 * fails a whole transaction. A refused batch is therefore halved until the failing item is alone, so
 * that it does not affect the others. Never rejects.
 */
export const inBatches = async <T>(items: readonly T[], work: BatchWork<T>): Promise<void> => {
  if (items.length === 0) return
  const { size, parallel } = work
  const batches = Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  )
  await inParallel(batches, parallel, (batch) => tryBatch(batch, work))
}
