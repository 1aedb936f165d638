import { type Cursor, type Scope, toCursor, type WireFormat } from '@sd/core/driver'

/** The prefix that all keys of `scope` share, relative to the namespace. */
export const scopePrefix = (format: WireFormat, scope: Scope): string =>
  'service' in scope ? format.prefix(scope.service) : ''

/** `<epoch>:<revision>`: a revision is valid only in one history. */
export const writeCursor = (epoch: string, revision: number): Cursor =>
  toCursor(`${epoch}:${revision}`)

/** The revision in `cursor`; `undefined` if it belongs to another history or is malformed. */
export const readCursor = (epoch: string, cursor: Cursor): number | undefined => {
  const revision = cursor.startsWith(`${epoch}:`) ? cursor.slice(epoch.length + 1) : ''
  return /^\d+$/.test(revision) ? Number(revision) : undefined
}
