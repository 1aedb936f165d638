import { inParallel, isHeldBy, removalRefusal, type RemoveOutcome, sleep } from '@sd/core/driver'
import { parseAgentEntry, type ServiceEntry } from '../catalog/service-entry.ts'
import { maxWrites } from '../client/consul-client.ts'
import { toRegistryError } from '../errors.ts'
import { type SessionContext, readExisting } from './session-context.ts'

/** What is to be taken out. */
export interface Held {
  readonly service: string
  readonly serviceId: string
  readonly owner: string
}

const pollMs = 20

const atAgent = async (
  { catalog }: SessionContext,
  { service, serviceId }: Held,
  signal: AbortSignal,
): Promise<ServiceEntry | undefined> => {
  const path = `agent/service/${serviceId}`
  const question = { lane: 'calls', path, operation: 'remove', service } as const
  const answer = await catalog.client.ask(question, signal)
  if (answer.status === 404) return undefined
  return parseAgentEntry(catalog.client.accept(question, answer).text, 'remove')
}

/** Takes a service off the agent; one that it does not know is no failure. */
export const deregister = async (
  { catalog, published, writes }: SessionContext,
  { service, serviceId }: Pick<Held, 'service' | 'serviceId'>,
  signal: AbortSignal,
): Promise<void> => {
  const path = `agent/service/deregister/${serviceId}`
  const question = { lane: 'writes', method: 'PUT', path, operation: 'remove', service } as const
  published.delete(serviceId)
  const release = await writes.take(signal)
  try {
    const answer = await catalog.client.ask(question, signal)
    if (answer.status !== 404) catalog.client.accept(question, answer)
  } finally {
    release()
  }
}

/**
 * Takes out what stands at our agent under these ids and is held by these owners, whichever of
 * their sessions wrote it, and waits until the catalog does not show it any more. What stands at
 * another agent is left alone: that agent would only put it back.
 */
export const takeOut = async (
  context: SessionContext,
  held: readonly Held[],
  signal: AbortSignal,
): Promise<readonly RemoveOutcome[]> => {
  const outcomes = new Map<Held, RemoveOutcome>()
  const sessions = new Set([context.id])
  await inParallel(held, maxWrites, async (item) => {
    try {
      const entry = await atAgent(context, item, signal)
      const existing = entry && context.catalog.existing(entry)
      const refusal = removalRefusal(context, existing, item.owner)
      if (entry === undefined || refusal !== undefined) {
        // nothing of ours is left to be passed
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
