import { type Contents, type Scope, servicesOf } from '@sd/core/driver'
import type { IKeyValue, IRangeRequest, IRangeResponse } from 'etcd3'
import { type KeyRange, prefixEnd } from './keys.ts'
import { decodeAll, type Store } from './client/kv.ts'

/** Keys per range request; limits the size of a message. */
export const pageSize = 1000

/** The service of a scope, for error messages. */
export const serviceIn = (scope: Scope): string | undefined =>
  'service' in scope ? scope.service : undefined

/** Sends one linearizable range request. */
export const readRange = (
  { calls }: Store,
  operation: string,
  request: IRangeRequest,
  signal: AbortSignal,
  service?: string,
): Promise<IRangeResponse> =>
  calls.call(operation, (client, options) => client.kv.range(request, options), signal, service)

/** The parameters of a paged read. */
export interface PagedRead {
  readonly operation: string
  readonly range: KeyRange
  readonly keysOnly: boolean
  /** The first key of the page after one that ended in `last`. Default: the next possible key. */
  readonly after?: (last: Buffer) => Buffer
  readonly service?: string | undefined
}

const nextKey = (key: Buffer): Buffer => Buffer.concat([key, Buffer.from([0])])

/** Reads the pages after `first` at its revision; the result begins with its keys. */
export const readPages = async (
  store: Store,
  read: PagedRead,
  first: IRangeResponse,
  revision: string,
  signal: AbortSignal,
): Promise<IKeyValue[]> => {
  const { operation, range, keysOnly, after = nextKey, service } = read
  const kvs = [...first.kvs]
  let page = first
  for (;;) {
    const last = page.kvs.at(-1)
    if (!page.more || last === undefined) return kvs
    const key = after(last.key)
    if (key.compare(range.range_end) >= 0) return kvs
    const request = { ...range, key, limit: pageSize, revision, keys_only: keysOnly }
    page = await readRange(store, operation, request, signal, service)
    for (const kv of page.kvs) kvs.push(kv)
  }
}

const readAll = async (
  store: Store,
  read: PagedRead,
  signal: AbortSignal,
): Promise<IKeyValue[]> => {
  const { operation, range, keysOnly, service } = read
  const request = { ...range, limit: pageSize, keys_only: keysOnly }
  const first = await readRange(store, operation, request, signal, service)
  return readPages(store, read, first, first.header.revision, signal)
}

/**
 * Reads a scope at one revision. For service names it reads keys only, and skips the remaining keys
 * of a known service: at most one request for each service or each thousand keys.
 */
export const readScope = async (
  store: Store,
  scope: Scope,
  signal: AbortSignal,
): Promise<Contents> => {
  const { keys, format } = store
  const read = { operation: 'list', range: keys.range(scope), service: serviceIn(scope) }
  if (!('services' in scope))
    return decodeAll(store, await readAll(store, { ...read, keysOnly: false }, signal))
  const after = (last: Buffer): Buffer => {
    const service = format.serviceOf(keys.relative(last))
    return service === undefined ? nextKey(last) : prefixEnd(keys.absolute(format.prefix(service)))
  }
  const kvs = await readAll(store, { ...read, keysOnly: true, after }, signal)
  const found = kvs.map(({ key }) => ({ key: keys.relative(key) }))
  return { records: [], skipped: [], services: servicesOf(format, found) }
}
