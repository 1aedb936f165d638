import { type Claim, compareClaims } from './claim.ts'
import { freezeInstance, type ServiceInstance } from './service-instance.ts'

declare const recordKeyBrand: unique symbol

/** Identifies one stored record. An id may be stored under several keys (two Consul agents). */
export type RecordKey = string & { readonly [recordKeyBrand]: true }
/** Marks a driver's own string as a record key. */
export const toRecordKey = (value: string): RecordKey => value as RecordKey

/** An instance as stored in the backend. */
export interface InstanceRecord {
  readonly key: RecordKey
  readonly instance: ServiceInstance
  /** Absent in records of programs that write none, and in formats without room for it. */
  readonly claim?: Claim
  /** The ttl granted to the owner. */
  readonly ttlMs?: number
  readonly registeredAtMs?: number
  /** Fields of the stored document that this version does not know. Edits and updates keep them. */
  readonly unknownFields?: Readonly<Record<string, unknown>>
}

/** An unreadable record and the reason. It is reported, and the rest of the service is served. */
export interface SkippedRecord {
  readonly key: RecordKey
  readonly reason: string
}

const ranksAbove = (a: InstanceRecord, b: InstanceRecord): boolean => {
  if (a.claim !== undefined && b.claim !== undefined) {
    const order = compareClaims(a.claim, b.claim)
    if (order !== 0) return order > 0
  } else if (a.claim !== undefined || b.claim !== undefined) return a.claim !== undefined
  return a.key < b.key
}

/** Of several records of one id, the one that is served: the one with the highest claim. */
export const highestRecord = (records: Iterable<InstanceRecord>): InstanceRecord | undefined => {
  let highest: InstanceRecord | undefined
  for (const record of records)
    if (highest === undefined || ranksAbove(record, highest)) highest = record
  return highest
}

/** Deep-freezes a record, as many readers share it. Returns it. */
export const freezeRecord = (record: InstanceRecord): InstanceRecord => {
  freezeInstance(record.instance)
  if (record.claim !== undefined) Object.freeze(record.claim)
  return Object.freeze(record)
}

/**
 * A map key for a service and an id. Different pairs always have different keys, whatever characters
 * the names contain: only a service with a slash has a key that begins with one, and its length ends it.
 */
export const instanceKey = (service: string, id: string): string =>
  service.includes('/') ? `/${service.length}:${service}/${id}` : `${service}/${id}`

/** The map key of a record's instance: the record's own key, where that is the same text. */
export const instanceKeyOf = ({ key, instance: { service, id } }: InstanceRecord): string =>
  key.length === service.length + 1 + id.length &&
  key[service.length] === '/' &&
  key.startsWith(service) &&
  key.endsWith(id) &&
  !service.includes('/')
    ? key
    : instanceKey(service, id)
