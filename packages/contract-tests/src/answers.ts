import type { RegistryDriver, Scope } from '@sd/core/driver'
import { orders } from './requests.ts'

/** Aborts a call that hangs: after 5 s by default. */
export const soon = (ms = 5000): AbortSignal => AbortSignal.timeout(Math.round(ms))

/** The ids that a driver lists in a scope (`orders` by default), sorted. */
export const idsOf = async (driver: RegistryDriver, scope: Scope = orders): Promise<string[]> =>
  (await driver.list(scope, soon())).records.map(({ instance }) => instance.id).toSorted()

/**
 * The `code` of the error that `work` rejects with, or the error if it has none; `none` if it
 * resolves.
 */
export const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
    return 'none'
  } catch (error) {
    return String((error as { code?: unknown }).code ?? error)
  }
}
