import type { InstanceRecord, SkippedRecord, WireFormat } from '@sd/core/driver'
import { toRecordKey } from '@sd/core/driver'
import type { IKeyValue, IRangeResponse, ITxnRequest, ITxnResponse } from 'etcd3'
import type { EtcdConnection } from './client/etcd-connection.ts'
import { epochKey, type KeySpace } from './keys.ts'

/** What the driver, its sessions and its observations read and write through. */
export interface Store {
  readonly calls: EtcdConnection
  readonly keys: KeySpace
  readonly format: WireFormat
}

/** One stored value, read or not readable. */
export type Decoded = InstanceRecord | SkippedRecord

/** Whether a value could be read. */
export const isRecord = (decoded: Decoded): decoded is InstanceRecord => 'instance' in decoded

/** Decodes one key-value pair; `key` is relative to the namespace. */
export const decodeValue = (format: WireFormat, key: string, value: Uint8Array): Decoded => {
  const decoded = format.decode(key, value)
  return 'skipped' in decoded
    ? { key: toRecordKey(key), reason: decoded.skipped }
    : { key: toRecordKey(key), ...decoded }
}

/** Sorts pairs into records and what cannot be read; the namespace's epoch is neither. */
export const decodeAll = (
  { keys, format }: Store,
  kvs: Iterable<Pick<IKeyValue, 'key' | 'value'>>,
): { records: InstanceRecord[]; skipped: SkippedRecord[] } => {
  const records: InstanceRecord[] = []
  const skipped: SkippedRecord[] = []
  for (const { key, value } of kvs) {
    const relative = keys.relative(key)
    if (relative === epochKey) continue
    const decoded = decodeValue(format, relative, value)
    if (isRecord(decoded)) records.push(decoded)
    else skipped.push(decoded)
  }
  return { records, skipped }
}

/** One transaction: all of it is done, at one revision, or nothing. */
export const transact = (
  { calls }: Store,
  operation: string,
  request: ITxnRequest,
  signal: AbortSignal,
  service?: string,
): Promise<ITxnResponse> =>
  calls.call(operation, (client, options) => client.kv.txn(request, options), signal, service)

/** The service that all of a batch belongs to, for error messages; `undefined` for a mixed one. */
export const commonService = (services: readonly string[]): string | undefined =>
  services.every((service) => service === services[0]) ? services[0] : undefined

/** What the range requests of a transaction found, in their order. */
export const rangesOf = (response: ITxnResponse): readonly IRangeResponse[] =>
  response.responses.map((item) => item.response_range)
