import {
  type Contents,
  type DecodedRecord,
  decodeRecord,
  toContents,
  type WireFormat,
} from '@sd/core/driver'
import type { ICompare, IKeyValue, IRangeResponse, ITxnRequest, ITxnResponse } from 'etcd3'
import type { EtcdConnection } from './etcd-connection.ts'
import { epochKey, type KeySpace } from '../keys.ts'

/** What the driver, its sessions and its observations read and write through. */
export interface Store {
  readonly calls: EtcdConnection
  readonly keys: KeySpace
  readonly format: WireFormat
}

/** Sorts pairs into records and what cannot be read; the namespace's epoch is neither. */
export const decodeAll = (
  { keys, format }: Store,
  kvs: Iterable<Pick<IKeyValue, 'key' | 'value'>>,
): Pick<Contents, 'records' | 'skipped'> => {
  const decoded: DecodedRecord[] = []
  for (const { key, value } of kvs) {
    const relative = keys.relative(key)
    if (relative !== epochKey) decoded.push(decodeRecord(format, relative, value))
  }
  return toContents(decoded)
}

/** Compares the revision of a key; a key that does not exist has 0. */
export const atRevision = (key: Buffer, revision: string): ICompare => ({
  key,
  target: 'Mod',
  result: 'Equal',
  mod_revision: revision,
})

/** One transaction: all of it is done, at one revision, or nothing. */
export const transact = (
  { calls }: Store,
  operation: string,
  request: ITxnRequest,
  signal: AbortSignal,
  service?: string,
): Promise<ITxnResponse> =>
  calls.call(operation, (client, options) => client.kv.txn(request, options), signal, service)

/** What the range requests of a transaction found, in their order. */
export const rangesOf = (response: ITxnResponse): readonly IRangeResponse[] =>
  response.responses.map((item) => item.response_range)
