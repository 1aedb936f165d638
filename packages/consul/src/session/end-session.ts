import { inParallel, sleep } from '@sd/core/driver'
import { parseJson, sessionMeta } from '../catalog/service-entry.ts'
import { maxWrites } from '../client/consul-client.ts'
import type { SessionContext } from './session-context.ts'
import { deregister } from './take-out.ts'

const pollMs = 50
const parallelReads = 8

interface RawAgentService {
  readonly ID: string
}

/** The ids at our agent that are tied to the session. */
const tiedTo = async (
  { id, catalog }: SessionContext,
  signal: AbortSignal,
): Promise<readonly string[]> => {
  const filter = encodeURIComponent(`Meta.${sessionMeta} == "${id}"`)
  const path = `agent/services?filter=${filter}`
  const { text } = await catalog.client.read({ lane: 'calls', path, operation: 'close' }, signal)
  const services = parseJson(text, 'close') as Readonly<Record<string, RawAgentService>>
  return Object.values(services).map(({ ID }) => ID)
}

/**
 * Takes everything of a session off the agent, and waits until the catalog shows none of it. Where
 * writes broke off without an answer it goes on for one ttl since the agent first answered, and
 * takes out what still lands: Consul has nothing that would keep it from landing. `fence` is what a
 * repeated call goes on with.
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
      const service = catalog.keys.placeOf(serviceId)?.service ?? ''
      try {
        await deregister(context, { service, serviceId }, signal)
      } catch (error) {
        // one that is refused keeps no other from being taken off
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
    while ((await catalog.writtenBy(id, service, 'close', signal)).length > 0)
      await sleep(clock, pollMs, signal)
  })
}
