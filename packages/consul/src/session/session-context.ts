import type { Clock, OwnSession, PutRequest } from '@sd/core/driver'
import type { Catalog } from '../catalog/catalog.ts'
import type { InstanceName } from '../keys.ts'
import type { ServiceEntry } from '../catalog/service-entry.ts'
import type { ConsulClient } from '../client/consul-client.ts'
import type { Semaphore } from '../client/semaphore.ts'
import type { LateWrites } from './late-writes.ts'

/** The check of one instance, and its last pass. */
export interface PassedCheck {
  readonly service: string
  readonly checkId: string
  /** When the last acknowledged pass was sent; a registration counts as one. */
  passedMs: number
  /** Whether the agent accepted the last pass: it knows the check, and the token may pass it. */
  accepted: boolean
}

/** One instance of this session, as last written. */
interface Published extends PassedCheck {
  /** The record's document. */
  readonly text: string
  /** Whether it has a check that says that it is not passing. */
  readonly reportedUnfit: boolean
}

/** What the heartbeats of one session need. */
export interface PassingContext {
  readonly ttlMs: number
  readonly clock: Clock
  readonly catalog: { readonly client: ConsulClient }
  /** By the id of the service, or of the check. */
  readonly published: ReadonlyMap<string, PassedCheck>
  /** The heartbeat in progress: writes wait for it, as a thousand of them would outlast a ttl. */
  heartbeat: Promise<unknown> | undefined
}

/** State that the operations of one session share. */
export interface SessionContext extends OwnSession, PassingContext {
  /** The ids of this driver's open sessions. */
  readonly ownSessions: Set<string>
  readonly catalog: Catalog
  /** Limits the driver's writes in flight. */
  readonly writes: Semaphore
  readonly late: LateWrites
  /** By service id. */
  readonly published: Map<string, Published>
  /** Every service that the session wrote to: none of its entries may remain after its end. */
  readonly services: Set<string>
}

/** An instance and its ids in Consul. */
export interface NamedItem {
  readonly service: string
  /** The one under which this package registers it. */
  readonly serviceId: string
  /** The one under which another program may have registered it. */
  readonly foreignId?: string | undefined
}

/** One request with its names in Consul. */
export interface Item extends NamedItem {
  readonly request: PutRequest
  /** The record's document. */
  readonly text: string
}

/** The names of an instance in Consul. */
export const namesOf = (
  { catalog: { layout } }: SessionContext,
  instance: InstanceName,
): NamedItem => ({
  service: instance.service,
  serviceId: layout.serviceId(instance),
  foreignId: layout.foreignId(instance),
})

/** The entries of these instances by their `serviceId`; one read for each service among them. */
export const readExisting = async (
  { catalog }: SessionContext,
  items: readonly NamedItem[],
  operation: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly ServiceEntry[]>> => {
  const byService = Map.groupBy(items, ({ service }) => service)
  const reads = [...byService].map(([service, group]) =>
    catalog.entriesUnder(
      service,
      group.flatMap(({ serviceId, foreignId = [] }) => [serviceId].concat(foreignId)),
      operation,
      signal,
    ),
  )
  const found = (await Promise.all(reads)).flat()
  return new Map(
    items.map(({ service, serviceId, foreignId }) => [
      serviceId,
      found.filter(
        (entry) =>
          entry.serviceId === serviceId ||
          (entry.serviceId === foreignId &&
            entry.serviceName === catalog.layout.serviceName(service)),
      ),
    ]),
  )
}
