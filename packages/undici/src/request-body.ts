import { types } from 'node:util'
import { codeOf } from './failure.ts'
import { ReplayBody } from './replay-body.ts'
import type { Dispatcher } from './undici.ts'

type Body = NonNullable<Dispatcher.DispatchOptions['body']>

/** Whether undici reads it from memory, as often as it likes. */
const isRepeatable = (body: Body): boolean =>
  typeof body === 'string' ||
  ArrayBuffer.isView(body) ||
  types.isAnyArrayBuffer(body) ||
  body instanceof Blob ||
  // undici makes a new stream of a form for each request
  (body as { readonly [Symbol.toStringTag]?: string })[Symbol.toStringTag] === 'FormData'

interface Stream {
  on(event: 'error', listener: (error: Error) => void): unknown
  off(event: 'error', listener: (error: Error) => void): unknown
}

const isStream = (body: unknown): body is Stream =>
  typeof body === 'object' && body !== null && 'on' in body && typeof body.on === 'function'

/** Whether an error is a connection's: undici destroys a body with the error of its connection. */
const isOfConnection = (error: Error): boolean =>
  'syscall' in error || codeOf(error)?.startsWith('UND_ERR_') === true

/** The body of one call, as its tries read it. */
export class RequestBody {
  readonly #body: Body | null | undefined
  readonly #replay: ReplayBody | undefined
  readonly #repeatable: boolean
  readonly #onError: ((error: Error) => void) | undefined
  #error: Error | undefined

  /** `replayBytes`: how much of a stream is kept; `undefined` when there is no second try of what was sent. */
  constructor(body: Dispatcher.DispatchOptions['body'], replayBytes: number | undefined) {
    this.#body = body
    this.#repeatable = body === undefined || body === null || isRepeatable(body)
    if (this.#repeatable) return
    if (isStream(body)) {
      // between tries nobody else listens, and Node ends the process for an error that nobody hears
      this.#onError = (error) => (this.#error ??= error)
      body.on('error', this.#onError)
    }
    if (replayBytes !== undefined && replayBytes > 0)
      this.#replay = new ReplayBody(body as AsyncIterable<Uint8Array>, replayBytes)
  }

  /** Whether another try can send the whole of it although one has begun to. */
  get replayable(): boolean {
    return this.#repeatable || this.#replay?.replayable === true
  }

  /** What a stream has failed with by itself: then no instance is to blame, and none could take it. */
  get failure(): Error | undefined {
    const error = (this.#replay?.failure?.error as Error | undefined) ?? this.#error
    return error === undefined || isOfConnection(error) ? undefined : error
  }

  /** The body for one try. */
  open(): Dispatcher.DispatchOptions['body'] {
    // undici takes any iterable, its types know streams only
    return this.#replay === undefined
      ? (this.#body ?? null)
      : (this.#replay.read() as unknown as Body)
  }

  /** There will be no other try. */
  release(): void {
    this.#replay?.release()
  }

  /** The call has ended. */
  close(): void {
    void this.#replay?.close()
    // undici may destroy the stream yet, with an error
    if (this.#onError !== undefined)
      setImmediate(
        () => isStream(this.#body) && this.#body.off('error', this.#onError as () => void),
      )
  }
}
