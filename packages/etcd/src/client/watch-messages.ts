import { Channel } from '@sd/core/driver'
import type { IEvent, IResponseHeader } from 'etcd3'
import type { WatchStreams } from './watch-streams.ts'
import type { WatchTarget } from './watch-stream.ts'

/** A message of one watch. Without events: there were none up to the header's revision. */
export interface WatchMessage {
  readonly header: IResponseHeader
  readonly events: readonly IEvent[]
}

/** One watch as a sequence of messages. */
export interface WatchMessages extends AsyncDisposable {
  /** The header of the response that created the watch. */
  readonly attached: IResponseHeader
  readonly messages: AsyncIterable<WatchMessage>
}

/**
 * Creates a watch; resolves once the server has confirmed it. Reading throws the error that ended
 * the watch, or `signal.reason` at once on abort. The caller must dispose of the watch.
 */
export const openWatch = async (
  streams: WatchStreams,
  target: WatchTarget,
  signal: AbortSignal,
): Promise<WatchMessages> => {
  signal.throwIfAborted()
  const messages = new Channel<WatchMessage>()
  const cancel = await streams.watch(
    target,
    {
      created: (header) => messages.push({ header, events: [] }),
      events: (events, header) => messages.push({ header, events }),
      progress: (header) => messages.push({ header, events: [] }),
      failed: (error) => messages.fail(error),
    },
    signal,
  )
  const abort = (): void => messages.abort(signal.reason)
  const release = (): void => {
    signal.removeEventListener('abort', abort)
    cancel()
  }
  signal.addEventListener('abort', abort, { once: true })
  try {
    signal.throwIfAborted()
    const first = await messages.next()
    return {
      attached: (first.value as WatchMessage).header,
      messages,
      [Symbol.asyncDispose]: async () => release(),
    }
  } catch (error) {
    release()
    throw error
  }
}
