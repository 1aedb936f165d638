import { createDriverContext, type DriverSession, type RegistryDriver } from '@sd/core/driver'
import { resolveRegistryOptions } from '@sd/core'
import { RegistryError, resolveBackend } from '@sd/registry'

/** A driver without a registry, for what only a driver can do: look at records, remove another's. */
export interface OpenDriver extends AsyncDisposable {
  readonly driver: RegistryDriver
  readonly ttlMs: number
  /** Runs one call of the driver, under the deadline that a registry would give it. */
  readonly call: <T>(operation: string, work: (signal: AbortSignal) => Promise<T>) => Promise<T>
  /** Closes a session, and with it what is left in it: also when `signal` has aborted. Never rejects. */
  readonly leave: (session: DriverSession) => Promise<void>
}

/** The driver of the registry at `url`; no call of it outlives `signal`. */
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
    [Symbol.asyncDispose]: async () => {
      // bounded as a registry's close is, and never a failure of what was done before
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
