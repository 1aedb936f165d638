import { types } from 'node:util'
import { codeOf } from './failure.ts'
import { ReplayBody } from './replay-body.ts'
import type { Dispatcher } from './undici.ts'

type Body = NonNullable<Dispatcher.DispatchOptions['body']>

/** Whether undici can read the body from memory repeatedly. */
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

/** Whether an error is a connection's. undici destroys a body with its connection's error. */
const isOfConnection = (error: Error): boolean =>
  'syscall' in error || codeOf(error)?.startsWith('UND_ERR_') === true

/** The body of one call, for all its tries. */
export class RequestBody {
  readonly #body: Body | null | undefined
  readonly #replay: ReplayBody | undefined
  readonly #repeatable: boolean
  readonly #onError: ((error: Error) => void) | undefined
  #error: Error | undefined

  /**
   * `replayBytes`: how much of a stream is kept; `undefined` if no try is repeated once it was
   * sent.
   */
  constructor(body: Dispatcher.DispatchOptions['body'], replayBytes: number | undefined) {
    this.#body = body
    this.#repeatable = body === undefined || body === null || isRepeatable(body)
    if (this.#repeatable) return
    if (isStream(body)) {
      // between tries there is no other listener, and Node ends the process for an unhandled error
      this.#onError = (error) => (this.#error ??= error)
      body.on('error', this.#onError)
    }
    if (replayBytes !== undefined && replayBytes > 0)
      this.#replay = new ReplayBody(body as AsyncIterable<Uint8Array>, replayBytes)
  }

  /** Whether another try can send the whole body although one has begun to. */
  get replayable(): boolean {
    return this.#repeatable || this.#replay?.replayable === true
  }

  /** A stream's own error. No instance is at fault, and none could accept the body. */
  get failure(): Error | undefined {
    const error = (this.#replay?.failure?.error as Error | undefined) ?? this.#error
    return error === undefined || isOfConnection(error) ? undefined : error
  }

  /** The body for one try. */
  open(): Dispatcher.DispatchOptions['body'] {
    // undici accepts any iterable; its types allow only streams
    return this.#replay === undefined
      ? (this.#body ?? null)
      : (this.#replay.read() as unknown as Body)
  }

  /** Call when there will be no other try. */
  release(): void {
    this.#replay?.release()
  }

  /** The call has ended. */
  close(): void {
    void this.#replay?.close()
    // undici may still destroy the stream with an error
    if (this.#onError !== undefined)
      setImmediate(
        () => isStream(this.#body) && this.#body.off('error', this.#onError as () => void),
      )
  }
}
