import {
  createDriverContext,
  type DriverSession,
  type RegistryDriver,
  type WireFormat,
} from '@sd/core/driver'
import { resolveRegistryOptions } from '@sd/core'
import { RegistryError, resolveBackend } from '@sd/registry'

/** A driver without a registry, to read raw records and remove those of other owners. */
export interface OpenDriver extends AsyncDisposable {
  readonly driver: RegistryDriver
  readonly ttlMs: number
  /** The format of its records. */
  readonly format: WireFormat
  /** Runs one call of the driver with the deadline that a registry would use. */
  readonly call: <T>(operation: string, work: (signal: AbortSignal) => Promise<T>) => Promise<T>
  /** Closes a session, which removes its records, even after `signal` aborts. Never rejects. */
  readonly leave: (session: DriverSession) => Promise<void>
}

/** Opens the driver of the registry at `url`. Its calls end when `signal` aborts. */
export const openDriver = async (
  url: string | undefined,
  signal: AbortSignal,
): Promise<OpenDriver> => {
  const { driver: source, options } = await resolveBackend(url)
  const { ttlMs, callTimeoutMs, closeTimeoutMs, format } = resolveRegistryOptions(options)
  const driver = typeof source === 'function' ? source(createDriverContext({ format })) : source
  return {
    driver,
    ttlMs,
    format,
    [Symbol.asyncDispose]: async () => {
      // limited like a registry's close; its failure does not fail the completed work
      const deadline = Promise.withResolvers<void>()
      const timer = setTimeout(deadline.resolve, closeTimeoutMs)
      const closed = Promise.resolve(driver[Symbol.asyncDispose]()).catch(() => {})
      await Promise.race([closed, deadline.promise])
      clearTimeout(timer)
    },
    call: async (operation, work) => {
      const deadline = AbortSignal.timeout(callTimeoutMs)
      try {
        return await work(AbortSignal.any([deadline, signal]))
      } catch (error) {
        if (signal.aborted || !deadline.aborted) throw error
        const message = `no answer within ${callTimeoutMs} ms`
        throw new RegistryError('timeout', { backend: driver.backend, operation, message })
      }
    },
    leave: (session) => session.close(AbortSignal.timeout(callTimeoutMs)).catch(() => {}),
  }
}
