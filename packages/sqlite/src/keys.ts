import {
  type Contents,
  type Cursor,
  type DecodedRecord,
  decodeRecord,
  type RecordKey,
  type Scope,
  toContents,
  toCursor,
  toRecordKey,
  type WireFormat,
} from '@sd/core/driver'
import type { HistoryPosition, StoredValue } from './worker/store-api.ts'

/** The common prefix of all keys in `scope`, relative to the namespace. */
export const scopePrefix = (format: WireFormat, scope: Scope): string =>
  'service' in scope ? format.prefix(scope.service) : ''

/** `<epoch>:<revision>`: a revision is valid only in one file. */
export const writeCursor = ({ epoch, revision }: HistoryPosition): Cursor =>
  toCursor(`${epoch}:${revision}`)

/** Parses the result of `writeCursor`; returns `undefined` for any other string. */
export const readCursor = (cursor: Cursor): HistoryPosition | undefined => {
  const [, epoch = '', revision = ''] = /^([0-9a-f]{16}-\d+):(\d{1,15})$/.exec(cursor) ?? []
  return epoch === '' ? undefined : { epoch, revision: Number(revision) }
}

/** Decodes stored records or skips them with a reason; keys without a record count as removed. */
export const decodeAll = (
  format: WireFormat,
  present: readonly StoredValue[],
): Pick<Contents, 'records' | 'skipped'> & { readonly removed: readonly RecordKey[] } => {
  const decoded: DecodedRecord[] = []
  const removed: RecordKey[] = []
  for (const { key, document } of present)
    if (document === undefined) removed.push(toRecordKey(key))
    else decoded.push(decodeRecord(format, key, document))
  return { ...toContents(decoded), removed }
}
