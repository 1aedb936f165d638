import {
  createDriverContext,
  type DriverSession,
  type RegistryDriver,
  type WireFormat,
  withDeadline,
} from '@sd/core/driver'
import { resolveRegistryOptions } from '@sd/core'
import { resolveBackend } from '@sd/registry'

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
  const { ttlMs, callTimeoutMs, closeTimeoutMs, format, clock } = resolveRegistryOptions(options)
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
    call: (operation, work) => {
      const { backend } = driver
      const subject = { backend, operation, lastSeen: () => driver.lastSeen?.() }
      // its timer keeps the process alive; a driver that waits for changes may not
      return withDeadline(clock, callTimeoutMs, signal, subject, work)
    },
    leave: (session) => session.close(AbortSignal.timeout(callTimeoutMs)).catch(() => {}),
  }
}
