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
import type { Changes, HistoryPosition } from './worker/store-api.ts'

/** State that the observations of one driver share. */
export interface Observer {
  readonly client: StoreClient
  readonly feed: ChangeFeed
  readonly format: WireFormat
}

/** Reads all of `scope`, and its position in the history. */
export const readScope = async (
  { client, format }: Pick<Observer, 'client' | 'format'>,
  operation: string,
  scope: Scope,
  signal: AbortSignal,
): Promise<{ readonly position: HistoryPosition; readonly contents: Contents }> => {
  const named = 'services' in scope
  const prefix = scopePrefix(format, scope)
  const { position, records } = await client.call(operation, signal, 'read', prefix, !named)
  const cursor = writeCursor(position)
  const contents = named
    ? { records: [], skipped: [], services: servicesOf(format, records), cursor }
    : { ...decodeAll(format, records), cursor }
  return { position, contents }
}

/** The part of `changes` that is in `scope`; `undefined` if there is none. */
const changesIn = async (
  { client, format }: Observer,
  scope: Scope,
  { position, touched }: Changes,
  signal: AbortSignal,
): Promise<Observation | undefined> => {
  const prefix = scopePrefix(format, scope)
  const within = touched.filter(({ key }) => key.startsWith(prefix))
  if (within.length === 0) return undefined
  const cursor = writeCursor(position)
  if (!('services' in scope)) return { type: 'changes', ...decodeAll(format, within), cursor }
  const services = servicesOf(format, within)
  const prefixes = services.map((service) => format.prefix(service))
  const present = await client.call('observe', signal, 'exist', prefixes)
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

/** The first observation, and its position. */
const attach = async (
  observer: Observer,
  scope: Scope,
  cursor: Cursor | undefined,
  signal: AbortSignal,
): Promise<{ readonly position: HistoryPosition; readonly first: Observation }> => {
  if (cursor === undefined) {
    const { position, contents } = await readScope(observer, 'observe', scope, signal)
    return { position, first: { type: 'snapshot', ...contents } }
  }
  const since = readCursor(cursor)
  const changes = since && (await observer.client.call('observe', signal, 'changesSince', since))
  if (changes === undefined)
    throw sqliteError(
      'cursor-expired',
      'observe',
      'the file no longer has the changes after the cursor',
    )
  const { position } = changes
  const caughtUp = await changesIn(observer, scope, changes, signal)
  return { position, first: caughtUp ?? { type: 'alive', cursor: writeCursor(position) } }
}

/** Observes `scope` from `cursor`, or from a snapshot, until an error or the reader's return. */
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
        // only this observation fails; the others continue
        end(error)
      }
    },
    alive: (position) => channel.push({ type: 'alive', cursor: writeCursor(position) }),
    fail: end,
  }
  signal.addEventListener('abort', abort)
  const begin = async (): Promise<void> => {
    const { position, first } = await attach(observer, scope, cursor, signal)
    // the reader may have stopped meanwhile
    if (ended) return
    channel.push(first)
    // the feed delivers the changes since that position, so none is lost
    observer.feed.add(stream, position)
  }
  begin().catch(end)
  return channel
}
