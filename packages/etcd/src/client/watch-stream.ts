import type { RegistryError } from '@sd/core/driver'
import { etcdError, toRegistryError } from '../errors.ts'
import type { KeyRange } from '../keys.ts'
import type { ResponseHeader, WatchEvent, WatchRequest, WatchResponse } from './codec/messages.ts'
import type { MessageStream } from './etcd-client.ts'

/** A message of one watch: its creation, without events, or the next events. */
export interface WatchMessage {
  readonly header: ResponseHeader
  readonly events: readonly WatchEvent[]
}

/**
 * Receives the messages of one watch, as a channel does. The first one has no events: the server has
 * created the watch, and its header holds the server's revision and cluster. `fail` is the last call.
 */
export interface WatchReceiver {
  push(message: WatchMessage): void
  fail(error: RegistryError): void
}

/**
 * Joins the fragments of one watch's responses. etcd splits a response above its request limit
 * (1.5 MiB) when the watch asks for `fragment`, and marks all fragments but the last.
 */
class Fragments {
  #events: WatchEvent[] = []

  /** All events of a response; `undefined` while fragments are missing. */
  add({
    fragment,
    events,
  }: Pick<WatchResponse, 'fragment' | 'events'>): readonly WatchEvent[] | undefined {
    if (!fragment && this.#events.length === 0) return events
    for (const event of events) this.#events.push(event)
    if (fragment) return undefined
    const whole = this.#events
    this.#events = []
    return whole
  }
}

const refusal = (compactRevision: string, reason: string): RegistryError => {
  if (compactRevision !== '0')
    return etcdError(
      'unavailable',
      'watch',
      `the server compacted its history up to revision ${compactRevision} before it had sent it`,
    )
  return reason === ''
    ? etcdError('unavailable', 'watch', 'the server cancelled the watch, and gave no reason')
    : toRegistryError(new Error(reason), 'watch')
}

interface Watch {
  readonly target: KeyRange
  readonly receiver: WatchReceiver
  readonly fragments: Fragments
  id: string | undefined
  cancelled: boolean
}

/**
 * Runs many watches over one gRPC stream. The server answers creations in the order of the
 * requests, and the answer holds the watch's id (`WatchResponse.created` in etcd's rpc.proto).
 * Responses with unknown ids were in flight when a watch was cancelled.
 */
export class WatchStream {
  readonly #stream: MessageStream<WatchRequest>
  readonly #idle: () => void
  readonly #creating: Watch[] = []
  readonly #watches = new Map<string, Watch>()
  #probes: { resolve: () => void; reject: (error: RegistryError) => void }[] = []
  #ended: RegistryError | undefined

  /** `idle` is called when the last watch was cancelled or has failed. */
  constructor(stream: MessageStream<WatchRequest>, idle: () => void) {
    this.#stream = stream
    this.#idle = idle
  }

  /** Takes a response of the server. Throws if no request of this stream can have caused it. */
  message(response: WatchResponse): void {
    const probes = this.#probes
    this.#probes = []
    for (const { resolve } of probes) resolve()
    if (response.created) this.#created(response)
    else if (response.canceled) this.#canceled(response)
    else this.#delivered(response)
  }

  /** The number of watches that are created or requested. */
  get size(): number {
    return this.#watches.size + this.#creating.filter((watch) => !watch.cancelled).length
  }

  /** Whether the server has created any of them. */
  get attached(): boolean {
    return this.#watches.size > 0
  }

  /** Requests a watch from now on; the returned function cancels it, and may be called at any time. */
  add(target: KeyRange, receiver: WatchReceiver): () => void {
    const fragments = new Fragments()
    const watch: Watch = { target, receiver, fragments, id: undefined, cancelled: false }
    if (this.#ended) receiver.fail(this.#ended)
    else {
      this.#creating.push(watch)
      this.#stream.send({ create_request: { ...target, fragment: true } })
    }
    return () => this.#cancel(watch)
  }

  /**
   * Probes the server; resolves with the next response of any kind. The probe is a watch that is
   * cancelled at once, because etcd answers each creation, also one that it refuses. A progress
   * request may get no answer: since 3.4.38, 3.5.22 and 3.6.2 etcd sends none while a watch on the
   * stream waits for a future revision (etcd-io/etcd#20221), as every idle watch does.
   */
  probe(): Promise<void> {
    if (this.#ended) return Promise.reject(this.#ended)
    return new Promise((resolve, reject) => {
      this.#probes.push({ resolve, reject })
      // a pending creation or an earlier probe will bring a response
      if (this.#creating.length === 0) this.#ask()
    })
  }

  /** Ends the stream; its remaining watches and probes fail with `error`. */
  end(error: RegistryError): void {
    if (this.#ended) return
    this.#ended = error
    this.#stream.cancel()
    const probes = this.#probes
    const watches = [...this.#creating, ...this.#watches.values()]
    this.#probes = []
    this.#creating.length = 0
    this.#watches.clear()
    for (const { reject } of probes) reject(error)
    for (const { receiver, cancelled } of watches) if (!cancelled) receiver.fail(error)
  }

  /** Creates and cancels a watch on a key of an existing watch, so that permission is certain. */
  #ask(): void {
    const [example] = this.#watches.values()
    if (example === undefined) return
    const { target, receiver } = example
    this.#creating.push({
      target,
      receiver,
      fragments: new Fragments(),
      id: undefined,
      cancelled: true,
    })
    const filters = [0, 1] // NOPUT and NODELETE of etcd's rpc.proto: no events
    this.#stream.send({ create_request: { key: target.key, filters } })
  }

  #cancel(watch: Watch): void {
    if (watch.cancelled || this.#ended) return
    watch.cancelled = true
    if (watch.id !== undefined && this.#watches.delete(watch.id))
      this.#stream.send({ cancel_request: { watch_id: watch.id } })
    if (this.size === 0) this.#idle()
  }

  #created(response: WatchResponse): void {
    const watch = this.#creating.shift()
    if (watch === undefined) throw new Error('the server created a watch that was not requested')
    if (response.canceled) this.#refused(watch, response)
    else if (watch.cancelled) this.#stream.send({ cancel_request: { watch_id: response.watch_id } })
    else {
      watch.id = response.watch_id
      this.#watches.set(response.watch_id, watch)
      watch.receiver.push({ header: response.header, events: [] })
    }
  }

  #canceled(response: WatchResponse): void {
    const watch = this.#watches.get(response.watch_id)
    if (watch === undefined) return
    this.#watches.delete(response.watch_id)
    this.#refused(watch, response)
  }

  #refused(watch: Watch, { compact_revision, cancel_reason }: WatchResponse): void {
    if (watch.cancelled) return
    watch.cancelled = true
    watch.receiver.fail(refusal(compact_revision, cancel_reason))
    if (this.size === 0) this.#idle()
  }

  #delivered(response: WatchResponse): void {
    const watch = this.#watches.get(response.watch_id)
    if (watch === undefined) return
    const events = watch.fragments.add(response)
    if (events !== undefined && events.length > 0)
      watch.receiver.push({ header: response.header, events })
  }
}
