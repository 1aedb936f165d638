import {
  type Cursor,
  type DecodedRecord,
  decodeRecord,
  type Observation,
  type Random,
  type RecordKey,
  RegistryError,
  type Scope,
  toContents,
  toRecordKey,
} from '@sd/core/driver'
import type { IEvent } from 'etcd3'
import type { EtcdCredentials } from './client/etcd-credentials.ts'
import type { WatchMessage } from './client/watch-stream.ts'
import type { WatchMessages, WatchStreams } from './client/watch-streams.ts'
import { pageSize, readPages, readRange, serviceIn } from './etcd-read.ts'
import { etcdError, isStaleToken } from './errors.ts'
import { cursorAt, proveHistory, readFirstPage, type ReadPosition } from './history.ts'
import { epochKey, readCursor } from './keys.ts'
import { decodeAll, type Store } from './client/kv.ts'
import { ServiceNames } from './service-names.ts'

/** State that the observations of one driver share. */
export interface Observer {
  readonly store: Store
  readonly watches: WatchStreams
  readonly credentials: EtcdCredentials
  readonly random: Random
}

const withCursor = (cursor: Cursor | undefined): { cursor?: Cursor } => (cursor ? { cursor } : {})

/**
 * Finds out why the server refused a watch. Older servers answer `permission denied` also to a
 * stale token, and check the token that opened the stream. A read of the same range with a valid
 * token decides; it throws when the range is forbidden.
 */
const explainRefusal = async (
  { store, watches, credentials }: Observer,
  error: unknown,
  scope: Scope,
  signal: AbortSignal,
): Promise<unknown> => {
  const stale = isStaleToken(error)
  const denied = error instanceof RegistryError && error.code === 'permission-denied'
  if (!credentials.given || (!stale && !denied)) return error
  const request = { ...store.keys.range(scope), limit: 1, keys_only: true }
  await readRange(store, 'observe', request, signal, serviceIn(scope))
  watches.retire()
  return etcdError(
    'unavailable',
    'observe',
    'the token of the watch stream has expired',
    serviceIn(scope),
  )
}

const attach = async (
  observer: Observer,
  scope: Scope,
  at: ReadPosition,
  signal: AbortSignal,
): Promise<WatchMessages> => {
  const range = observer.store.keys.range(scope)
  const start_revision = (at.revision + 1n).toString()
  try {
    return await observer.watches.watch({ ...range, start_revision }, signal)
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw await explainRefusal(observer, error, scope, signal)
  }
}

const lastPerKey = (store: Store, events: readonly IEvent[]): ReadonlyMap<string, IEvent> => {
  const last = new Map<string, IEvent>()
  for (const event of events) last.set(store.keys.relative(event.kv.key), event)
  last.delete(epochKey)
  return last
}

const changesOf = (
  store: Store,
  events: readonly IEvent[],
  cursor: Cursor | undefined,
): Observation => {
  const decoded: DecodedRecord[] = []
  const removed: RecordKey[] = []
  for (const [key, { type, kv }] of lastPerKey(store, events))
    if (type === 'Delete') removed.push(toRecordKey(key))
    else decoded.push(decodeRecord(store.format, key, kv.value))
  return { type: 'changes', ...toContents(decoded), removed, ...withCursor(cursor) }
}

/** The watch's revision after `message`. It never decreases, although a member may lag behind. */
const revisionAfter = ({ events, header }: WatchMessage, before: bigint): bigint => {
  // a batch's header may be ahead of pending events, so only the last event counts
  const revision = BigInt(events.at(-1)?.kv.mod_revision ?? header.revision)
  return revision > before ? revision : before
}

async function* observeRecords(
  observer: Observer,
  scope: Scope,
  from: ReadPosition | undefined,
  signal: AbortSignal,
): AsyncGenerator<Observation, never> {
  const { store, random } = observer
  const range = store.keys.range(scope)
  const read = { operation: 'observe', range, keysOnly: false, service: serviceIn(scope) }
  const first = from
    ? undefined
    : await readFirstPage(store, random, { ...range, limit: pageSize }, signal, read.service)
  const at = (from ?? first?.at) as ReadPosition
  const kvs = first && (await readPages(store, read, first.page, at.revision.toString(), signal))
  await using watch = await attach(observer, scope, at, signal)
  if (from || BigInt(watch.attached.revision) < at.revision)
    await proveHistory(store, at, watch.attached, range, signal)
  const cursor = cursorAt(at, at.revision)
  yield kvs
    ? { type: 'snapshot', ...decodeAll(store, kvs), ...withCursor(cursor) }
    : { type: 'alive', ...withCursor(cursor) }
  let { revision } = at
  for await (const message of watch.messages) {
    signal.throwIfAborted()
    revision = revisionAfter(message, revision)
    const next = cursorAt(at, revision)
    yield message.events.length > 0
      ? changesOf(store, message.events, next)
      : { type: 'alive', ...withCursor(next) }
  }
  throw etcdError('internal', 'observe', 'the watch ended without an error')
}

async function* observeNames(
  observer: Observer,
  scope: Scope,
  signal: AbortSignal,
): AsyncGenerator<Observation, never> {
  const { store, random } = observer
  const range = store.keys.range(scope)
  const request = { ...range, limit: pageSize, keys_only: true }
  const { page, at } = await readFirstPage(store, random, request, signal)
  const read = { operation: 'observe', range, keysOnly: true }
  const kvs = await readPages(store, read, page, at.revision.toString(), signal)
  await using watch = await attach(observer, scope, at, signal)
  if (BigInt(watch.attached.revision) < at.revision)
    await proveHistory(store, at, watch.attached, range, signal)
  const services = new ServiceNames(store.format)
  for (const { key } of kvs) services.add(store.keys.relative(key))
  yield { type: 'snapshot', records: [], skipped: [], services: services.names }
  for await (const { events } of watch.messages) {
    signal.throwIfAborted()
    const change = services.apply(lastPerKey(store, events))
    yield change.services.length + change.removedServices.length === 0
      ? { type: 'alive' }
      : { type: 'changes', records: [], skipped: [], removed: [], ...change }
  }
  throw etcdError('internal', 'observe', 'the watch ended without an error')
}

/**
 * Observes a scope: yields a snapshot, then every change from the next revision on. With a cursor,
 * it verifies that the servers still have that history, and yields only what follows. The names of
 * services have no cursor, because detecting a removed service requires the names seen before.
 */
export async function* observe(
  observer: Observer,
  scope: Scope,
  cursor: Cursor | undefined,
  signal: AbortSignal,
): AsyncGenerator<Observation, never> {
  signal.throwIfAborted()
  const position = cursor === undefined ? undefined : readCursor(cursor)
  if (cursor !== undefined && (position === undefined || 'services' in scope))
    throw etcdError(
      'cursor-expired',
      'observe',
      'the cursor is not one of this scope',
      serviceIn(scope),
    )
  if ('services' in scope) return yield* observeNames(observer, scope, signal)
  return yield* observeRecords(observer, scope, position, signal)
}
