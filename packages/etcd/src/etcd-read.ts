import { type Contents, type Progress, type Scope, servicesOf } from '@sd/core/driver'
import type {
  KeyValue,
  RangeRequest,
  RangeResponse,
  ResponseHeader,
} from './client/codec/messages.ts'
import { type KeyRange, prefixEnd } from './keys.ts'
import { decodeAll, type Store } from './client/kv.ts'
import * as methods from './client/methods.ts'

/** The service of a scope, for error messages. */
export const serviceIn = (scope: Scope): string | undefined =>
  'service' in scope ? scope.service : undefined

/** Sends one linearizable range request. */
export const readRange = (
  { calls }: Store,
  operation: string,
  request: RangeRequest,
  signal: AbortSignal,
  service?: string,
): Promise<RangeResponse> => calls.call(operation, methods.range, request, signal, service)

/** The parameters of a paged read. */
export interface PagedRead {
  readonly operation: string
  readonly range: KeyRange
  readonly keysOnly: boolean
  /** The first key of the page after one that ended in `last`. Default: the next possible key. */
  readonly after?: (last: Buffer) => Buffer
  readonly service?: string | undefined
  /** Called for each page. */
  readonly progress?: Progress | undefined
}

/** The result of a paged read. */
export interface ReadKeys {
  readonly kvs: KeyValue[]
  /** Of the first page: all others are of the same revision. */
  readonly header: ResponseHeader
}

const nextKey = (key: Buffer): Buffer => Buffer.concat([key, Buffer.from([0])])

/** Reads a range at one revision, page by page. */
export const readPages = async (
  store: Store,
  { operation, range, keysOnly, after = nextKey, service, progress }: PagedRead,
  signal: AbortSignal,
): Promise<ReadKeys> => {
  const { pages } = store
  const kvs: KeyValue[] = []
  let header: ResponseHeader | undefined
  let { key } = range
  for (;;) {
    const at = header === undefined ? {} : { revision: header.revision }
    const request = { ...range, ...at, key, limit: pages.keys, keys_only: keysOnly }
    const page = await pages.measure(readRange(store, operation, request, signal, service))
    progress?.()
    header ??= page.header
    for (const kv of page.kvs) kvs.push(kv)
    const last = page.kvs.at(-1)
    if (!page.more || last === undefined) return { kvs, header }
    key = after(last.key)
    if (key.compare(range.range_end) >= 0) return { kvs, header }
  }
}

/**
 * Reads a scope at one revision. For service names it reads keys only, and skips the remaining keys
 * of a known service: at most one request for each service or each page of keys.
 */
export const readScope = async (
  store: Store,
  scope: Scope,
  signal: AbortSignal,
  progress: Progress | undefined,
): Promise<Contents> => {
  const { keys, format } = store
  const range = keys.range(scope)
  const read = { operation: 'list', range, service: serviceIn(scope), progress }
  if (!('services' in scope))
    return decodeAll(store, (await readPages(store, { ...read, keysOnly: false }, signal)).kvs)
  const after = (last: Buffer): Buffer => {
    const service = format.serviceOf(keys.relative(last))
    return service === undefined ? nextKey(last) : prefixEnd(keys.absolute(format.prefix(service)))
  }
  const { kvs } = await readPages(store, { ...read, keysOnly: true, after }, signal)
  const found = kvs.map(({ key }) => ({ key: keys.relative(key) }))
  return { records: [], skipped: [], services: servicesOf(format, found) }
}
