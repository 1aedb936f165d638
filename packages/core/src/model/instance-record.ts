import { type Claim, compareClaims } from './claim.ts'
import { freezeInstance, type ServiceInstance } from './service-instance.ts'

declare const recordKeyBrand: unique symbol

/** Names one stored record. An instance id may be stored under several keys (two Consul agents). */
export type RecordKey = string & { readonly [recordKeyBrand]: true }
/** Marks a driver's own string as a record key. */
export const toRecordKey = (value: string): RecordKey => value as RecordKey

/** An instance as it stands in the backend. */
export interface InstanceRecord {
  readonly key: RecordKey
  readonly instance: ServiceInstance
  /** Absent in foreign formats that have no room for one. */
  readonly claim?: Claim
  /** The ttl its owner was granted. */
  readonly ttlMs?: number
  readonly registeredAtMs?: number
}

/** A record that cannot be read, and why: it is reported, and the rest of the service is served. */
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

/** Of several records that name one id, the one that is served: that with the highest claim. */
export const highestRecord = (records: Iterable<InstanceRecord>): InstanceRecord | undefined => {
  let highest: InstanceRecord | undefined
  for (const record of records)
    if (highest === undefined || ranksAbove(record, highest)) highest = record
  return highest
}

/** Makes a record, all of it, immutable: it is handed to many readers. Returns it. */
export const freezeRecord = (record: InstanceRecord): InstanceRecord => {
  freezeInstance(record.instance)
  if (record.claim !== undefined) Object.freeze(record.claim)
  return Object.freeze(record)
}

/**
 * One string for a service and an id, to key maps by: different pairs make different keys, whatever
 * characters the names hold.
 */
export const instanceKey = (service: string, id: string): string =>
  `${service.length}:${service}/${id}`
