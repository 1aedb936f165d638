import { types } from 'node:util'
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

interface StreamState {
  readonly destroyed?: boolean
  readonly errored?: unknown
}

/** The body of one call, as its tries read it. */
export class RequestBody {
  readonly #body: Body | null | undefined
  readonly #replay: ReplayBody | undefined
  readonly #repeatable: boolean

  /** `replayBytes`: how much of a stream is kept; `undefined` when there is no second try of what was sent. */
  constructor(body: Dispatcher.DispatchOptions['body'], replayBytes: number | undefined) {
    this.#body = body
    this.#repeatable = body === undefined || body === null || isRepeatable(body)
    if (!this.#repeatable && replayBytes !== undefined && replayBytes > 0)
      this.#replay = new ReplayBody(body as AsyncIterable<Uint8Array>, replayBytes)
  }

  /** Whether another try can send the whole of it although one has begun to. */
  get replayable(): boolean {
    return this.#repeatable || this.#replay?.replayable === true
  }

  /** Whether it failed by itself: then no instance is to blame, and none could take it. */
  get broken(): boolean {
    if (this.#repeatable) return false
    if (this.#replay !== undefined) return this.#replay.failure !== undefined
    const { destroyed = false, errored } = this.#body as StreamState
    return destroyed || (errored !== undefined && errored !== null)
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
  }
}
