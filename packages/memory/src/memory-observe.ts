import { Channel, type Cursor, type Observation, type Scope } from '@sd/core/driver'
import { readChanges, readContents, type View } from './contents.ts'
import { memoryError } from './errors.ts'
import { readCursor, writeCursor } from './keys.ts'
import type { MemoryConnection, Stream } from './memory-connection.ts'

const catchUp = (view: View, scope: Scope, cursor: Cursor): Observation => {
  const { store, namespace } = view
  const revision = readCursor(store.epoch, cursor)
  const commits = revision === undefined ? undefined : store.commitsSince(namespace, revision)
  if (commits === undefined)
    throw memoryError('cursor-expired', 'observe', 'the history since the cursor is not kept')
  return readChanges(view, scope, commits) ?? alive(view)
}

const alive = ({ store }: View): Observation => ({
  type: 'alive',
  cursor: writeCursor(store.epoch, store.revision),
})

/** Observes `scope` from `cursor`, or from a snapshot, until an error or the reader's return. */
export const observe = (
  connection: MemoryConnection,
  view: View,
  scope: Scope,
  cursor: Cursor | undefined,
  signal: AbortSignal,
): AsyncIterable<Observation> => {
  let ended = false
  let unsubscribe = (): void => {}
  const release = (): void => {
    ended = true
    unsubscribe()
    connection.detach(stream)
    signal.removeEventListener('abort', abort)
  }
  const channel = new Channel<Observation>(release)
  const end = (error: unknown): void => {
    channel.fail(error)
    release()
  }
  const abort = (): void => end(signal.reason)
  const send = (observation: Observation): void => connection.send(() => channel.push(observation))
  const stream: Stream = {
    fail: (code, message) => end(memoryError(code, 'observe', message)),
    sendAlive: () => send(alive(view)),
  }
  const attach = (): void => {
    // the reader may have stopped while the server was frozen
    if (ended) return
    // reading and subscribing in one step: no change is lost in between
    send(
      cursor === undefined
        ? { type: 'snapshot', ...readContents(view, scope) }
        : catchUp(view, scope, cursor),
    )
    connection.attach(stream)
    unsubscribe = view.store.subscribe(view.namespace, (commit) => {
      const changes = readChanges(view, scope, [commit])
      if (changes) send(changes)
    })
  }
  signal.addEventListener('abort', abort)
  connection.call('observe', signal, attach).catch(end)
  return channel
}
