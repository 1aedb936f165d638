import { RegistryError } from '../registry-error.ts'
import { sleep, withDeadline } from '../runtime/abort.ts'
import type { WatchContext } from './watch-context.ts'

/** Whom the prober serves. */
export interface Probed {
  alive(): void
  /** One probe failed. */
  trouble(): void
  /** The connection is taken for dead. */
  reattach(cause: RegistryError): void
}

/**
 * Tells a silent server from an idle one while any watch is open: a round trip every ttl/6 on the
 * connection that carries the watches, so that a sign of life is never older than ttl/3 in good
 * times. One failure is a sign of trouble, two in a row end the attachment.
 */
export const probeWhile = async (
  context: WatchContext,
  probed: Probed,
  signal: AbortSignal,
): Promise<void> => {
  const { backend, clock, driver, random, ttlMs } = context
  const subject = { backend, operation: 'probe' }
  let failures = 0
  while (!signal.aborted) {
    const waitMs = failures === 1 ? 0 : (ttlMs / 6) * (0.9 + 0.2 * random.next())
    try {
      await sleep(clock, waitMs, signal)
      await withDeadline(clock, ttlMs / 6, signal, subject, (bounded) => driver.probe(bounded))
      failures = 0
      probed.alive()
    } catch (thrown) {
      if (signal.aborted) return
      failures += 1
      probed.trouble()
      if (failures >= 2) probed.reattach(RegistryError.from(thrown, subject))
    }
  }
}
