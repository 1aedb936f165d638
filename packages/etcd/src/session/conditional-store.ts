import {
  type ConditionalStore,
  type ConditionalWrite,
  decodeRecord,
  groupBySize,
  type WriteResult,
} from '@sd/core/driver'
import type { Compare, RequestOp } from '../client/codec/messages.ts'
import { atRevision, type Store, type StoreCall, transact } from '../client/kv.ts'
import { replacedBy } from './replaced-by.ts'

/** etcd refuses requests above 1.5 MiB (`--max-request-bytes`). */
const maxRequestBytes = 1_000_000

/** etcd refuses transactions of more than 128 operations (`--max-txn-ops`). */
export const maxBatch = 125

/** The modification revision of a key without a record in etcd's comparisons. */
const absent = '0'

/** Reads and writes records of one lease; transactions compare each key's modification revision. */
export const conditionalStore = (
  store: Store,
  leaseId: string,
  call: StoreCall,
): ConditionalStore<string> => {
  const { operation, service, signal } = call
  const { keys, format } = store
  const writeOne = (key: Buffer, value: Uint8Array | undefined): RequestOp =>
    value === undefined
      ? { request_delete_range: { key } }
      : {
          request_put: {
            key,
            value: Buffer.from(value.buffer, value.byteOffset, value.byteLength),
            lease: leaseId,
          },
        }
  return {
    absent,
    // one transaction, so that content, lease and revision are consistent
    read: async (recordKeys) => {
      const success = recordKeys.map((key) => ({ request_range: { key: keys.absolute(key) } }))
      const { ranges } = await transact(store, operation, { success }, signal, service)
      return recordKeys.map((key, index) => {
        const kv = ranges[index]?.kvs[0]
        if (kv === undefined) return { existing: undefined, revision: absent }
        const { value, lease, mod_revision: revision } = kv
        const record = decodeRecord(format, key, value)
        return { existing: { record, value, sessionId: lease }, revision }
      })
    },
    replacedBy: (deleted) => replacedBy(store, call, deleted),
    write: async (writes) => {
      const results: WriteResult<string>[] = []
      const sizeOf = ({ key, value }: ConditionalWrite<string>): number =>
        (value?.length ?? 0) + 4 * key.length
      for (const group of groupBySize(writes, maxRequestBytes, sizeOf)) {
        const compare: Compare[] = []
        const success: RequestOp[] = []
        for (const { key, value, expected } of group) {
          const stored = keys.absolute(key)
          compare.push(atRevision(stored, expected))
          success.push(writeOne(stored, value))
        }
        const request = { compare, success }
        const { succeeded, header } = await transact(store, operation, request, signal, service)
        const result = succeeded ? { revision: header.revision } : 'changed'
        for (const _ of group) results.push(result)
      }
      return results
    },
  }
}
