import {
  type InstanceRecord,
  type RecordKey,
  type SkippedRecord,
  toRecordKey,
} from '../model/instance-record.ts'
import type { Contents } from './registry-driver.ts'
import type { WireFormat } from './wire-format.ts'

/** A stored record as core takes it: read, or skipped with the reason. */
export type DecodedRecord = InstanceRecord | SkippedRecord

/**
 * Reads one stored value with the driver's format. `key` is relative to the namespace; `recordKey`
 * is what core knows the record by, where that is not the same (Consul: the node belongs to it).
 */
export const decodeRecord = (
  format: WireFormat,
  key: string,
  value: Uint8Array,
  recordKey: RecordKey = toRecordKey(key),
): DecodedRecord => {
  const decoded = format.decode(key, value)
  return 'skipped' in decoded
    ? { key: recordKey, reason: decoded.skipped }
    : { key: recordKey, ...decoded }
}

/** Whether a record could be read. */
export const isReadable = (record: DecodedRecord): record is InstanceRecord => 'instance' in record

/** Sorts decoded records into those that could be read and those that are skipped. */
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

/** The services that records belong to by their keys, each once; keys of no service are left out. */
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
