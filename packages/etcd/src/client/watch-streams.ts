import { abortable, Channel, type RegistryError } from '@sd/core/driver'
import { etcdError } from '../errors.ts'
import type { ResponseHeader, WatchResponse } from './codec/messages.ts'
import type { EtcdClient, StreamEvents } from './etcd-client.ts'
import type { EtcdConnection } from './etcd-connection.ts'
import type { EtcdCredentials } from './etcd-credentials.ts'
import type { KeyRange } from '../keys.ts'
import * as methods from './methods.ts'
import { type WatchMessage, WatchStream } from './watch-stream.ts'

/** One watch as a sequence of messages. */
export interface WatchMessages extends AsyncDisposable {
  /** The header of the response that created the watch. */
  readonly attached: ResponseHeader
  readonly messages: AsyncIterable<WatchMessage>
}

interface Attached extends StreamEvents<WatchResponse, RegistryError> {
  readonly stream: WatchStream
  readonly client: EtcdClient
  readonly token: string
}

const closed = (): RegistryError => etcdError('closed', 'watch', 'the driver is closed')
const unused = (): RegistryError => etcdError('unavailable', 'watch', 'the stream was closed')
const silence = (): RegistryError =>
  etcdError('unavailable', 'watch', 'the server did not answer, so the watch stream was closed')

/**
 * The watch stream that all observations of a driver share. The first one opens it, the last one
 * closes it. A stream whose token is no longer valid keeps its watches, but gets no new ones.
 */
export class WatchStreams {
  readonly #connection: EtcdConnection
  readonly #credentials: EtcdCredentials
  /** The current stream, and retired ones that still have watches. */
  readonly #streams = new Set<Attached>()
  #current: Attached | undefined
  #opening: Promise<Attached> | undefined
  #closed = false

  constructor(connection: EtcdConnection, credentials: EtcdCredentials) {
    this.#connection = connection
    this.#credentials = credentials
  }

  /**
   * Creates a watch; resolves once the server has confirmed it. Reading throws the error that ended
   * the watch, or `signal.reason` at once on abort. The caller must dispose of the watch.
   */
  async watch(target: KeyRange, signal: AbortSignal): Promise<WatchMessages> {
    signal.throwIfAborted()
    const attached = this.#current ?? (await this.#open(signal))
    const silent = this.#connection.silence(attached.client)
    const messages = new Channel<WatchMessage>()
    const cancel = attached.stream.add(target, messages)
    const abort = (): void => messages.abort(signal.reason)
    const release = (): void => signal.removeEventListener('abort', abort)
    signal.addEventListener('abort', abort, { once: true })
    try {
      signal.throwIfAborted()
      const first = await messages.next()
      return {
        attached: (first.value as WatchMessage).header,
        messages,
        [Symbol.asyncDispose]: async () => {
          release()
          cancel()
        },
      }
    } catch (error) {
      release()
      if (signal.aborted && silent()) this.#leave(attached)
      else cancel()
      throw error
    }
  }

  /**
   * Probes every stream with attached watches; `false` if there is none. Rejects with
   * `signal.reason`. A stream that is still being opened is not probed: a probe is given up much sooner
   * than an attachment, and would end it each time on a server that is slow to answer.
   */
  async probe(signal: AbortSignal): Promise<boolean> {
    const streams = [...this.#streams].filter(({ stream }) => stream.attached)
    await Promise.all(streams.map((attached) => this.#probe(attached, signal)))
    return streams.length > 0
  }

  /** New watches go to a new stream with a new token; existing ones stay on their stream. */
  retire(): void {
    const attached = this.#current
    if (attached === undefined) return
    this.#credentials.drop(attached.token)
    this.#current = undefined
    if (attached.stream.size === 0) this.#end(attached, unused())
  }

  /** Ends all streams; their watches fail with `closed`. */
  close(): void {
    this.#closed = true
    for (const attached of this.#streams) this.#end(attached, closed())
  }

  async #probe(attached: Attached, signal: AbortSignal): Promise<void> {
    const silent = this.#connection.silence(attached.client)
    try {
      await abortable(attached.stream.probe(), signal)
    } catch (error) {
      if (signal.aborted && silent()) this.#leave(attached)
      throw error
    }
  }

  /** Opens one stream for all waiting callers; no caller's abort cancels it for the others. */
  async #open(signal: AbortSignal): Promise<Attached> {
    const client = this.#connection.client('watch')
    const silent = this.#connection.silence(client)
    this.#opening ??= this.#start().finally(() => {
      this.#opening = undefined
    })
    try {
      return await abortable(this.#opening, signal)
    } catch (error) {
      if (signal.aborted && silent()) this.#connection.suspect(client)
      throw error
    }
  }

  async #start(): Promise<Attached> {
    const attached = await this.#connection.open('watch', methods.watch, (opened) => {
      const { client, token } = opened
      const stream = new WatchStream(opened.stream, () => this.#end(started, unused()))
      const started: Attached = {
        client,
        token,
        stream,
        message: (response) => stream.message(response),
        ended: (error) => this.#end(started, error),
      }
      this.#streams.add(started)
      return (this.#current = started)
    })
    if (this.#closed) {
      this.#end(attached, closed())
      throw closed()
    }
    return attached
  }

  #end(attached: Attached, error: RegistryError): void {
    this.#streams.delete(attached)
    if (this.#current === attached) this.#current = undefined
    attached.stream.end(error)
  }

  #leave(attached: Attached): void {
    this.#end(attached, silence())
    this.#connection.suspect(attached.client)
  }
}
