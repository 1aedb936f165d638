import { inParallel, isHeldBy, removalRefusal, type RemoveOutcome, sleep } from '@sd/core/driver'
import { maxWrites } from '../client/consul-client.ts'
import { toRegistryError } from '../errors.ts'
import { atAgent } from './remove-leftovers.ts'
import { type SessionContext, readExisting } from './session-context.ts'

/** One record to remove. */
export interface Removal {
  readonly service: string
  readonly serviceId: string
  readonly owner: string
}

const pollMs = 20

/** Deregisters a service at the agent; an unknown service is no failure. */
export const deregister = async (
  { catalog, published, writes }: SessionContext,
  { service, serviceId }: Pick<Removal, 'service' | 'serviceId'>,
  signal: AbortSignal,
): Promise<void> => {
  const path = `agent/service/deregister/${serviceId}`
  const query = { pool: 'writes', method: 'PUT', path, operation: 'remove', service } as const
  published.delete(serviceId)
  const release = await writes.acquire(signal)
  try {
    const answer = await catalog.client.ask(query, signal)
    if (answer.status !== 404) catalog.client.accept(query, answer)
  } finally {
    release()
  }
}

/**
 * Removes the records that these owners hold at the session's agent, whichever of their sessions wrote
 * them, and waits until the catalog no longer shows them. Records at another agent are not touched:
 * that agent would only register them again.
 */
export const removeBatch = async (
  context: SessionContext,
  held: readonly Removal[],
  signal: AbortSignal,
): Promise<readonly RemoveOutcome[]> => {
  const outcomes = new Map<Removal, RemoveOutcome>()
  const sessions = new Set([context.id])
  await inParallel(held, maxWrites, async (item) => {
    try {
      const entry = await atAgent(context, item, signal)
      const existing = entry && context.catalog.existing(entry)
      const refusal = removalRefusal(context, existing, item.owner)
      if (entry === undefined || refusal !== undefined) {
        // the heartbeat must not pass its check any more
        context.published.delete(item.serviceId)
        outcomes.set(item, refusal ?? { result: 'absent' })
      } else {
        sessions.add(entry.sessionId)
        await deregister(context, item, signal)
        outcomes.set(item, { result: 'removed' })
      }
    } catch (error) {
      if (signal.aborted) throw error
      const failure = toRegistryError(error, 'remove', item.service)
      outcomes.set(item, { result: 'error', error: failure })
    }
  })
  let shown = held.filter((item) => outcomes.get(item)?.result !== 'error')
  for (;;) {
    if (shown.length === 0) break
    const existing = await readExisting(context, shown, 'remove', signal)
    shown = shown.filter((item) =>
      existing
        .get(item.serviceId)
        ?.some(
          (entry) =>
            sessions.has(entry.sessionId) &&
            isHeldBy(context, context.catalog.existing(entry), item.owner),
        ),
    )
    if (shown.length > 0) await sleep(context.clock, pollMs, signal)
  }
  return held.map((item) => outcomes.get(item) as RemoveOutcome)
}
