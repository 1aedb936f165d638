import {
  Channel,
  type Contents,
  type Cursor,
  type Observation,
  type Scope,
  servicesOf,
  type WireFormat,
} from '@sd/core/driver'
import type { ChangeFeed, ChangeStream } from './client/change-feed.ts'
import type { StoreClient } from './client/store-client.ts'
import { sqliteError } from './errors.ts'
import { decodeAll, readCursor, scopePrefix, writeCursor } from './keys.ts'
import type { Changes, Place } from './worker/store-api.ts'

/** What an observation is made of. */
export interface Observer {
  readonly client: StoreClient
  readonly feed: ChangeFeed
  readonly format: WireFormat
}

/** All of `scope`, and where that is in the history. */
export const readScope = async (
  { client, format }: Pick<Observer, 'client' | 'format'>,
  operation: string,
  scope: Scope,
  signal: AbortSignal,
): Promise<{ readonly place: Place; readonly contents: Contents }> => {
  const named = 'services' in scope
  const prefix = scopePrefix(format, scope)
  const { place, records } = await client.call(operation, signal, 'read', prefix, !named)
  const cursor = writeCursor(place)
  const contents = named
    ? { records: [], skipped: [], services: servicesOf(format, records), cursor }
    : { ...decodeAll(format, records), cursor }
  return { place, contents }
}

/** What `changes` say of `scope`; `undefined` when that is nothing. */
const changesIn = async (
  { client, format }: Observer,
  scope: Scope,
  { place, touched }: Changes,
  signal: AbortSignal,
): Promise<Observation | undefined> => {
  const prefix = scopePrefix(format, scope)
  const within = touched.filter(({ key }) => key.startsWith(prefix))
  if (within.length === 0) return undefined
  const cursor = writeCursor(place)
  if (!('services' in scope)) return { type: 'changes', ...decodeAll(format, within), cursor }
  const services = servicesOf(format, within)
  const prefixes = services.map((service) => format.prefix(service))
  const present = await client.call('observe', signal, 'present', prefixes)
  return {
    type: 'changes',
    records: [],
    skipped: [],
    removed: [],
    services: services.filter((_, index) => present[index]),
    removedServices: services.filter((_, index) => !present[index]),
    cursor,
  }
}

/** The first observation, and where it leaves off. */
const attach = async (
  observer: Observer,
  scope: Scope,
  cursor: Cursor | undefined,
  signal: AbortSignal,
): Promise<{ readonly place: Place; readonly first: Observation }> => {
  if (cursor === undefined) {
    const { place, contents } = await readScope(observer, 'observe', scope, signal)
    return { place, first: { type: 'snapshot', ...contents } }
  }
  const since = readCursor(cursor)
  const changes = since && (await observer.client.call('observe', signal, 'follow', since))
  if (changes === undefined)
    throw sqliteError(
      'cursor-expired',
      'observe',
      'the file does not keep what followed the cursor',
    )
  const { place } = changes
  const caughtUp = await changesIn(observer, scope, changes, signal)
  return { place, first: caughtUp ?? { type: 'alive', cursor: writeCursor(place) } }
}

/** Observes `scope` from `cursor`, or from a snapshot on; ends by throwing, or when the reader leaves. */
export const observe = (
  observer: Observer,
  scope: Scope,
  cursor: Cursor | undefined,
  signal: AbortSignal,
): AsyncIterable<Observation> => {
  let ended = false
  const release = (): void => {
    ended = true
    observer.feed.delete(stream)
    signal.removeEventListener('abort', abort)
  }
  const channel = new Channel<Observation>(release)
  const end = (error: unknown): void => {
    channel.fail(error)
    release()
  }
  const abort = (): void => end(signal.reason)
  const stream: ChangeStream = {
    apply: async (changes) => {
      try {
        const observation = await changesIn(observer, scope, changes, signal)
        if (observation) channel.push(observation)
      } catch (error) {
        // of this observation alone, as that its reader left: the others go on
        end(error)
      }
    },
    alive: (place) => channel.push({ type: 'alive', cursor: writeCursor(place) }),
    fail: end,
  }
  signal.addEventListener('abort', abort)
  const begin = async (): Promise<void> => {
    const { place, first } = await attach(observer, scope, cursor, signal)
    // the reader may have left meanwhile
    if (ended) return
    channel.push(first)
    // what happened since that place comes through the feed: no change falls between them
    observer.feed.add(stream, place)
  }
  begin().catch(end)
  return channel
}
