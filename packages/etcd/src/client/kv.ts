import { type Contents, decodeRecord, toContents, type WireFormat } from '@sd/core/driver'
import type { Compare, KeyValue, TxnRequest, TxnResponse } from './codec/messages.ts'
import type { EtcdConnection } from './etcd-connection.ts'
import type { KeySpace } from '../keys.ts'
import * as methods from './methods.ts'
import type { PageSize } from './page-size.ts'

/** Client, keys and format through which the driver, its sessions and observations access etcd. */
export interface Store {
  readonly calls: EtcdConnection
  readonly keys: KeySpace
  readonly pages: PageSize
  readonly format: WireFormat
}

/** The context of a session's call. */
export interface StoreCall {
  readonly operation: string
  /** For error messages. */
  readonly service: string | undefined
  readonly signal: AbortSignal
}

/** Divides pairs into records and unreadable ones. */
export const decodeAll = (
  { keys, format }: Pick<Store, 'keys' | 'format'>,
  kvs: readonly Pick<KeyValue, 'key' | 'value'>[],
): Pick<Contents, 'records' | 'skipped'> =>
  toContents(
    kvs.flatMap((kv) => {
      const key = keys.relative(kv.key)
      return keys.isForeign(key) ? [] : decodeRecord(format, key, kv.value)
    }),
  )

/** Compares the revision of a key; a missing key has 0. */
export const atRevision = (key: Buffer, revision: string): Compare => ({
  key,
  mod_revision: revision,
})

/** Runs one transaction: etcd applies all of it at one revision, or nothing. */
export const transact = (
  { calls }: Store,
  operation: string,
  request: TxnRequest,
  signal: AbortSignal,
  service?: string,
): Promise<TxnResponse> => calls.call(operation, methods.txn, request, signal, service)
