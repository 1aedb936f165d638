import {
  type InstanceRecord,
  type RecordKey,
  type SkippedRecord,
  toRecordKey,
} from '../model/instance-record.ts'
import type { Contents } from './registry-driver.ts'
import type { WireFormat } from './wire-format.ts'

/** A stored record after decoding: readable, or skipped with a reason. */
export type DecodedRecord = InstanceRecord | SkippedRecord

/**
 * Decodes one stored value with the driver's format. `key` is relative to the namespace. `recordKey`
 * identifies the record in core, where that differs from `key` (Consul: it includes the node).
 */
export const decodeRecord = (
  format: WireFormat,
  key: string,
  value: Uint8Array,
  recordKey: RecordKey = toRecordKey(key),
): DecodedRecord => {
  const decoded = format.decode(key, value)
  if ('skipped' in decoded) return { key: recordKey, reason: decoded.skipped }
  const { instance, claim, ttlMs, registeredAtMs, unknownFields } = decoded
  // nearly every record, in the form that takes the least memory: a property that is added later is
  // kept in a second object
  if (
    claim !== undefined &&
    ttlMs !== undefined &&
    registeredAtMs !== undefined &&
    unknownFields === undefined
  )
    return { key: recordKey, instance, claim, ttlMs, registeredAtMs }
  const record: { -readonly [Name in keyof InstanceRecord]: InstanceRecord[Name] } = {
    key: recordKey,
    instance,
  }
  // assigned one by one: spreading takes longer than reading the document
  if (claim !== undefined) record.claim = claim
  if (ttlMs !== undefined) record.ttlMs = ttlMs
  if (registeredAtMs !== undefined) record.registeredAtMs = registeredAtMs
  if (unknownFields !== undefined) record.unknownFields = unknownFields
  return record
}

/** Whether a record is readable. */
export const isReadable = (record: DecodedRecord): record is InstanceRecord => 'instance' in record

/** Divides decoded records into readable and skipped ones. */
export const toContents = (
  decoded: Iterable<DecodedRecord>,
): Pick<Contents, 'records' | 'skipped'> => {
  const records: InstanceRecord[] = []
  const skipped: SkippedRecord[] = []
  for (const record of decoded)
    if (isReadable(record)) records.push(record)
    else skipped.push(record)
  return { records, skipped }
}

/** The distinct services of the records' keys; keys without a service are ignored. */
export const servicesOf = (
  format: WireFormat,
  records: Iterable<{ readonly key: string }>,
): readonly string[] => {
  const services = new Set<string>()
  for (const { key } of records) {
    const service = format.serviceOf(key)
    if (service !== undefined) services.add(service)
  }
  return [...services]
}
