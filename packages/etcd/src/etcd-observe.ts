import {
  type DecodedRecord,
  decodeRecord,
  type Observation,
  type Progress,
  type RecordKey,
  RegistryError,
  type Scope,
  toContents,
  toRecordKey,
} from '@sd/core/driver'
import type { KeyValue, ResponseHeader, WatchEvent } from './client/codec/messages.ts'
import type { EtcdCredentials } from './client/etcd-credentials.ts'
import { decodeAll, type Store } from './client/kv.ts'
import type { WatchMessages, WatchStreams } from './client/watch-streams.ts'
import { readPages, readRange, serviceIn } from './etcd-read.ts'
import { etcdError, isStaleToken } from './errors.ts'
import { ServiceNames } from './service-names.ts'

/** State that the observations of one driver share. */
export interface Observer {
  readonly store: Store
  readonly watches: WatchStreams
  readonly credentials: EtcdCredentials
}

/** The last event of each key of a batch. */
type LastEvents = ReadonlyMap<string, WatchEvent>

/** What an attachment finds: what is stored, then the last event of each key of a batch. */
type Found = { readonly kvs: KeyValue[] } | { readonly last: LastEvents }

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
  signal: AbortSignal,
): Promise<WatchMessages> => {
  try {
    return await observer.watches.watch(observer.store.keys.range(scope), signal)
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw await explainRefusal(observer, error, scope, signal)
  }
}

/** Throws when the servers lost their history, or were restored, between the watch and the read. */
const assertLater = (attached: ResponseHeader, read: ResponseHeader): void => {
  if (read.cluster_id === attached.cluster_id && BigInt(read.revision) >= BigInt(attached.revision))
    return
  const message = `the servers went back from revision ${attached.revision} to ${read.revision} while the watch was attached`
  throw etcdError('unavailable', 'observe', message)
}

const lastPerKey = (store: Store, events: readonly WatchEvent[], after: bigint): LastEvents => {
  const last = new Map<string, WatchEvent>()
  for (const event of events)
    if (BigInt(event.kv.mod_revision) > after) last.set(store.keys.relative(event.kv.key), event)
  return last
}

/**
 * Watches a scope from now on, and then reads it. Everything after the revision of the read arrives
 * on the watch. A watch never resumes at an earlier revision: after a restore from a backup the same
 * revision may belong to another history, and nothing in a response tells the two apart.
 */
async function* attachAndRead(
  observer: Observer,
  scope: Scope,
  signal: AbortSignal,
  progress: Progress | undefined,
): AsyncGenerator<Found, never> {
  signal.throwIfAborted()
  const { store } = observer
  await using watch = await attach(observer, scope, signal)
  progress?.()
  const { kvs, header } = await readPages(
    store,
    {
      operation: 'observe',
      range: store.keys.range(scope),
      keysOnly: 'services' in scope,
      service: serviceIn(scope),
      progress,
    },
    signal,
  )
  assertLater(watch.attached, header)
  yield { kvs }
  const read = BigInt(header.revision)
  for await (const { events } of watch.messages) {
    signal.throwIfAborted()
    const last = lastPerKey(store, events, read)
    if (last.size > 0) yield { last }
  }
  throw etcdError('internal', 'observe', 'the watch ended without a reason')
}

const changesOf = (store: Store, last: LastEvents): Observation => {
  const decoded: DecodedRecord[] = []
  const removed: RecordKey[] = []
  for (const [key, { type, kv }] of last) {
    if (store.keys.isForeign(key)) continue
    if (type === 'delete') removed.push(toRecordKey(key))
    else decoded.push(decodeRecord(store.format, key, kv.value))
  }
  return { type: 'changes', ...toContents(decoded), removed }
}

/** Observes a scope: yields a snapshot, then every later change. */
export async function* observe(
  observer: Observer,
  scope: Scope,
  signal: AbortSignal,
  progress: Progress | undefined,
): AsyncGenerator<Observation, never> {
  const { store } = observer
  const services = new ServiceNames(store.format)
  const nothing = { records: [], skipped: [] }
  for await (const found of attachAndRead(observer, scope, signal, progress)) {
    if (!('services' in scope))
      yield 'kvs' in found
        ? // emptied, as a suspended generator keeps its variables: the whole response, here
          { type: 'snapshot', ...decodeAll(store, found.kvs.splice(0)) }
        : changesOf(store, found.last)
    else if ('kvs' in found) {
      for (const { key } of found.kvs.splice(0)) services.add(store.keys.relative(key))
      yield { type: 'snapshot', ...nothing, services: services.names }
    } else {
      const change = services.apply(found.last)
      yield change.services.length + change.removedServices.length === 0
        ? { type: 'alive' }
        : { type: 'changes', ...nothing, removed: [], ...change }
    }
  }
  throw etcdError('internal', 'observe', 'the watch ended without an error')
}
