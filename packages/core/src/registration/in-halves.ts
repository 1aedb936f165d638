import { RegistryError, type RegistryErrorCode } from '../registry-error.ts'
import type { CallSubject } from '../runtime/abort.ts'

/** Failures that do not depend on what was sent: smaller batches would fail too. */
const ofTheConnection: ReadonlySet<RegistryErrorCode> = new Set([
  'unavailable',
  'timeout',
  'session-lost',
  'closed',
])

/** Whether a single item may have caused the failure. */
export const isOfItems = (cause: RegistryError): boolean => !ofTheConnection.has(cause.code)

/** The parameters of `inHalves`. */
export interface HalvingParts<T> {
  readonly subject: CallSubject
  readonly work: (items: readonly T[]) => Promise<void>
  /** Called with the items of a failed batch; more than one only where the connection failed. */
  readonly failed: (items: readonly T[], cause: RegistryError) => void
  readonly signal: AbortSignal
}

/**
 * Processes a batch that the backend accepts or refuses as a whole. One forbidden item fails a whole
 * transaction. A refused batch is therefore halved until the failing item is alone, so that it does
 * not affect the others. Never rejects.
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
