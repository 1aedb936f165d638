import {
  type DecodedRecord,
  decodeRecord,
  isReadable,
  type RecordKey,
  type WireFormat,
} from '@sd/core/driver'
import { consulError } from '../errors.ts'
import { recordKeyOf } from '../keys.ts'
import { type Check, type CheckStatus, checkStatusOf } from './check-status.ts'
import type { ListedService, ServiceLayout, StoredRecord } from './service-layout.ts'

/** An entry of the catalog, or of the agent. */
export interface ServiceEntry extends CheckStatus, StoredRecord {
  readonly key: RecordKey
  /** The agent's node; empty in the agent's own answer. */
  readonly node: string
  readonly serviceName: string
  readonly serviceId: string
  /** The Raft index of its last change in the catalog; 0 in the agent's own answer. */
  readonly modifyIndex: number
  readonly checkIds: readonly string[]
}

interface RawEntry {
  readonly Node: { readonly Node: string; readonly Address?: string }
  readonly Service: ListedService
  readonly Checks?: readonly Check[] | null
}

/** The JSON in an answer. */
export const parseJson = (text: string, operation: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const message = `the answer is not JSON, so the endpoint is not a Consul agent (${String(cause)})`
    throw consulError('unavailable', operation, message)
  }
}

const entryOf = (layout: ServiceLayout, { Node, Service, Checks }: RawEntry): ServiceEntry => {
  const checks = Checks ?? []
  // Consul's own clients take the node's address for a service without one
  const service = Service.Address ? Service : { ...Service, Address: Node.Address ?? '' }
  const stored = layout.storedIn(service, checks)
  return {
    key: recordKeyOf(Node.Node, Service.ID),
    node: Node.Node,
    serviceName: Service.Service,
    serviceId: Service.ID,
    modifyIndex: Service.ModifyIndex ?? 0,
    ...stored,
    ...checkStatusOf(checks, Service.ID, stored.sessionId),
    checkIds: checks.map(({ CheckID }) => CheckID),
  }
}

/** The entries in an answer of `health/service`. */
export const parseEntries = (
  layout: ServiceLayout,
  text: string,
  operation: string,
): readonly ServiceEntry[] =>
  (parseJson(text, operation) as readonly RawEntry[]).map((entry) => entryOf(layout, entry))

/** The agent's answer about one of its own services, which does not name the node. */
export const parseAgentEntry = (
  layout: ServiceLayout,
  text: string,
  operation: string,
): ServiceEntry => {
  const entry = parseJson(text, operation) as Omit<RawEntry, 'Node'>
  return entryOf(layout, { ...entry, Node: { Node: '' } })
}

/** A decoded entry as readers get it: where the owner reports no trouble, other checks may. */
export const withForeignHealth = (
  record: DecodedRecord,
  { foreign }: Pick<ServiceEntry, 'foreign'>,
): DecodedRecord => {
  if (foreign === undefined || !isReadable(record) || record.instance.health !== 'passing')
    return record
  return { ...record, instance: { ...record.instance, health: foreign } }
}

/** An entry in core's form: decoded, or skipped with the reason. */
export const decodeEntry = (
  layout: ServiceLayout,
  format: WireFormat,
  entry: ServiceEntry,
): DecodedRecord => {
  const { key, sessionId, text } = entry
  const instance = layout.identify(entry)
  if (instance === undefined) return { key, reason: 'it was not registered by @sd/consul' }
  return decodeRecord(format, format.key(instance, sessionId), Buffer.from(text), key)
}
