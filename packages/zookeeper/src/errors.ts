import { abortable, RegistryError, type RegistryErrorCode } from '@sd/core/driver'

/** The name of this backend, in errors and in `health()`. */
export const backend = 'zookeeper'

/** A failure of this backend. */
export const zookeeperError = (
  code: RegistryErrorCode,
  operation: string,
  message: string,
): RegistryError => new RegistryError(code, { backend, operation, message })

/** What every method throws until it is written. */
export const notWritten = (operation: string): RegistryError =>
  zookeeperError('unsupported', operation, `zookeeper: ${operation} is not written yet`)

/**
 * The one place that knows what the client's failures mean. A dropped connection or a refused one
 * is `unavailable`, an unknown lease or session `session-lost`, a refused login or right
 * `permission-denied`. Whether a code is worth another try is core's to say.
 */
const toRegistryError = (cause: unknown, operation: string): RegistryError =>
  RegistryError.from(cause, { backend, operation })

/**
 * One call to the server: settles at once when `signal` aborts, with its reason unwrapped, and
 * otherwise throws a `RegistryError` only. Hand `signal` on to a client that can cancel.
 */
export const attempt = async <T>(
  operation: string,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> => {
  signal.throwIfAborted()
  try {
    return await abortable(work(), signal)
  } catch (cause) {
    if (signal.aborted) throw cause
    throw toRegistryError(cause, operation)
  }
}
