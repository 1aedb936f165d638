import { inParallel, type RecordKey } from '@sd/core/driver'
import { parseAgentEntry, type ServiceEntry } from '../catalog/service-entry.ts'
import type { SessionContext } from './session-context.ts'

const parallelReads = 8

/** The service as the session's agent has it; `undefined` if the agent does not know it. */
export const atAgent = async (
  { catalog }: SessionContext,
  { service, serviceId }: { readonly service: string; readonly serviceId: string },
  signal: AbortSignal,
): Promise<ServiceEntry | undefined> => {
  const path = `agent/health/service/id/${serviceId}`
  const query = { pool: 'calls', path, operation: 'remove', service } as const
  const answer = await catalog.client.ask(query, signal)
  if (answer.status === 404) return undefined
  // 429 and 503 tell the status of the checks, or, without an entry, that the agent is overloaded
  const found = (answer.status === 429 || answer.status === 503) && answer.text.startsWith('{')
  const { text } = found ? answer : catalog.client.accept(query, answer)
  return parseAgentEntry(catalog.layout, text, 'remove')
}

/**
 * Deletes from the catalog those of the session's `entries` that its agent does not know, and returns
 * them. A restored snapshot contains such entries, always passing, as no agent has their check. The
 * agent itself would delete them with its next full synchronisation, minutes later in large clusters.
 * The deletion compares the entry's index: the id may be registered again meanwhile.
 */
export const removeLeftovers = async (
  context: SessionContext,
  service: string,
  entries: readonly ServiceEntry[],
  signal: AbortSignal,
): Promise<readonly ServiceEntry[]> => {
  const { client, layout } = context.catalog
  const name = layout.serviceName(service)
  const unknown = await inParallel(entries, parallelReads, async (entry) =>
    (await atAgent(context, { service, serviceId: entry.serviceId }, signal)) ? [] : [entry],
  )
  const removed = await inParallel(unknown.flat(), parallelReads, async (entry) => {
    const { node, serviceId, modifyIndex } = entry
    const query = {
      pool: 'calls',
      method: 'PUT',
      path: 'txn',
      body: [
        {
          Service: {
            Verb: 'delete-cas',
            Node: node,
            Service: { ID: serviceId, Service: name, ModifyIndex: modifyIndex },
          },
        },
      ],
      operation: 'remove',
      service,
    } as const
    const answer = await client.ask(query, signal)
    // it has changed, or is gone
    if (answer.status === 409) return []
    client.accept(query, answer)
    return [entry]
  })
  return removed.flat()
}

/** Implements `DriverSession.removeStrays`. */
export const removeStrays = async (
  context: SessionContext,
  signal: AbortSignal,
): Promise<readonly RecordKey[]> => {
  const { id, catalog, published, services } = context
  const removed = await inParallel(services, parallelReads, async (service) => {
    const entries = await catalog.writtenBy(id, service, 'audit', signal)
    const strays = entries.filter(({ serviceId }) => !published.has(serviceId))
    return removeLeftovers(context, service, strays, signal)
  })
  return removed.flat().map(({ key }) => key)
}
