import { inParallel, type RegistryError, type RemoveOutcome, sleep } from '@sd/core/driver'
import { parseAgentEntry, type ServiceEntry } from '../catalog/service-entry.ts'
import { maxWrites } from '../client/consul-client.ts'
import { toRegistryError } from '../errors.ts'
import { holds, type SessionParts, standingOf } from './session-parts.ts'

/** What is to be taken out. */
export interface Held {
  readonly service: string
  readonly serviceId: string
  readonly owner: string
}

const pollMs = 20

const atAgent = async (
  { catalog }: SessionParts,
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
  { catalog, published, writes }: SessionParts,
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
  parts: SessionParts,
  held: readonly Held[],
  signal: AbortSignal,
): Promise<readonly RemoveOutcome[]> => {
  const outcomes = new Map<Held, RemoveOutcome>()
  const sessions = new Set([parts.id])
  await inParallel(held, maxWrites, async (item) => {
    try {
      const entry = await atAgent(parts, item, signal)
      if (entry === undefined || !holds(parts, item.owner, entry, parts.catalog.decode(entry))) {
        // nothing of ours is left to be passed
        parts.published.delete(item.serviceId)
        outcomes.set(item, { result: entry === undefined ? 'absent' : 'not-ours' })
      } else {
        sessions.add(entry.sessionId)
        await deregister(parts, item, signal)
        outcomes.set(item, { result: 'removed' })
      }
    } catch (error) {
      if (signal.aborted) throw error
      const cause: RegistryError = toRegistryError(error, 'remove', item.service)
      outcomes.set(item, { result: 'error', error: cause })
    }
  })
  let shown = held.filter((item) => outcomes.get(item)?.result !== 'error')
  for (;;) {
    if (shown.length === 0) break
    const standing = await standingOf(parts, shown, 'remove', signal)
    shown = shown.filter((item) =>
      standing.get(item.serviceId)?.some((entry) => {
        const ours = sessions.has(entry.sessionId)
        return ours && holds(parts, item.owner, entry, parts.catalog.decode(entry))
      }),
    )
    if (shown.length > 0) await sleep(parts.clock, pollMs, signal)
  }
  return held.map((item) => outcomes.get(item) as RemoveOutcome)
}
