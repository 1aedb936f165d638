import {
  type Contents,
  type Cursor,
  type InstanceRecord,
  type RecordKey,
  type Scope,
  type SkippedRecord,
  toCursor,
  toRecordKey,
  type WireFormat,
} from '@sd/core/driver'
import type { Place, Present } from './worker/store-api.ts'

/** What the keys of `scope` begin with, relative to the namespace. */
export const scopePrefix = (format: WireFormat, scope: Scope): string =>
  'service' in scope ? format.prefix(scope.service) : ''

/** `<epoch>:<revision>`: a revision means nothing without the file it counts in. */
export const writeCursor = ({ epoch, revision }: Place): Cursor => toCursor(`${epoch}:${revision}`)

/** What `writeCursor` wrote; `undefined` for anything else. */
export const readCursor = (cursor: Cursor): Place | undefined => {
  const [, epoch = '', revision = ''] = /^([0-9a-f]{16}-\d+):(\d{1,15})$/.exec(cursor) ?? []
  return epoch === '' ? undefined : { epoch, revision: Number(revision) }
}

/** Stored records, read or skipped with the reason; keys where nothing stands. */
export const decodeAll = (
  format: WireFormat,
  present: readonly Present[],
): Pick<Contents, 'records' | 'skipped'> & { readonly removed: readonly RecordKey[] } => {
  const records: InstanceRecord[] = []
  const skipped: SkippedRecord[] = []
  const removed: RecordKey[] = []
  for (const { key: text, document } of present) {
    const key = toRecordKey(text)
    if (document === undefined) {
      removed.push(key)
      continue
    }
    const decoded = format.decode(text, document)
    if ('skipped' in decoded) skipped.push({ key, reason: decoded.skipped })
    else records.push({ key, ...decoded })
  }
  return { records, skipped, removed }
}

/** The services that `present` speaks of; keys of nobody's service are left out. */
export const servicesOf = (format: WireFormat, present: readonly Present[]): readonly string[] => {
  const services = new Set<string>()
  for (const { key } of present) {
    const service = format.serviceOf(key)
    if (service !== undefined) services.add(service)
  }
  return [...services]
}
