import { RegistryError, type RegistryErrorCode } from '../registry-error.ts'
import type { CallSubject } from '../runtime/abort.ts'

/** Failures that say nothing about what was sent: smaller batches would fail alike. */
const ofTheConnection: ReadonlySet<RegistryErrorCode> = new Set([
  'unavailable',
  'timeout',
  'session-lost',
  'closed',
])

/** Whether one of several items may be at fault alone. */
export const isOfItems = (cause: RegistryError): boolean => !ofTheConnection.has(cause.code)

/** How a batch is worked through. */
export interface HalvingParts<T> {
  readonly subject: CallSubject
  readonly work: (items: readonly T[]) => Promise<void>
  /** These failed together; more than one only where the connection failed. */
  readonly failed: (items: readonly T[], cause: RegistryError) => void
  readonly signal: AbortSignal
}

/**
 * Works on a batch that the backend takes or refuses as a whole. One forbidden item fails a whole
 * transaction: a batch that is refused is halved until what is at fault stands alone, so that it
 * harms no neighbour. Never rejects.
 */
export const inHalves = async <T>(items: readonly T[], parts: HalvingParts<T>): Promise<void> => {
  try {
    await parts.work(items)
  } catch (thrown) {
    const cause = RegistryError.from(thrown, parts.subject)
    if (items.length <= 1 || parts.signal.aborted || !isOfItems(cause)) {
      parts.failed(items, cause)
      return
    }
    const middle = Math.ceil(items.length / 2)
    await inHalves(items.slice(0, middle), parts)
    await inHalves(items.slice(middle), parts)
  }
}
