import { inParallel, sleep } from '@sd/core/driver'
import { parseJson } from '../catalog/service-entry.ts'
import { maxWrites } from '../client/consul-client.ts'
import type { SessionContext } from './session-context.ts'
import { deregister } from './remove-batch.ts'
import { removeLeftovers } from './remove-leftovers.ts'

const pollMs = 50
const parallelReads = 8

/** A service, or a check of one. */
interface Tied {
  readonly ID?: string
  readonly ServiceID?: string
}

/** The ids of the session's services at its agent. */
export const tiedTo = async (
  { id, catalog }: SessionContext,
  signal: AbortSignal,
): Promise<readonly string[]> => {
  const path = catalog.layout.tiedTo(id)
  const { text } = await catalog.client.read({ pool: 'calls', path, operation: 'close' }, signal)
  const found = parseJson(text, 'close') as Readonly<Record<string, Tied>>
  return Object.values(found).flatMap(({ ID, ServiceID }) => ID ?? ServiceID ?? [])
}

/**
 * Deregisters everything of a session at the agent, and waits until the catalog shows none of it. If
 * writes ended without an answer, it continues for one ttl from the agent's first answer and deregisters
 * late arrivals, as Consul cannot refuse a late write. `fence` is the state for repeated calls.
 */
export const endSession = async (
  context: SessionContext,
  fence: { sinceMs: number | undefined },
  signal: AbortSignal,
): Promise<void> => {
  const { id, ttlMs, catalog, clock, late, services } = context
  for (;;) {
    const settled = late.settled
    const tied = await tiedTo(context, signal)
    const failures: unknown[] = []
    await inParallel(tied, maxWrites, async (serviceId) => {
      const service = catalog.layout.instanceOf(serviceId)?.service ?? ''
      try {
        await deregister(context, { service, serviceId }, signal)
      } catch (error) {
        // a refusal of one must not prevent the deregistration of the others
        failures.push(error)
      }
    })
    signal.throwIfAborted()
    if (failures.length > 0) throw failures[0]
    fence.sinceMs ??= clock.monotonicMs()
    if (settled) break
    if (!late.pending && clock.monotonicMs() - fence.sinceMs >= ttlMs) break
    await sleep(clock, pollMs, signal)
  }
  await inParallel(services, parallelReads, async (service) => {
    for (;;) {
      const entries = await catalog.writtenBy(id, service, 'close', signal)
      if (entries.length === 0) return
      await removeLeftovers(context, service, entries, signal)
      await sleep(clock, pollMs, signal)
    }
  })
}
