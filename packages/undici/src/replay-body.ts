/** Bytes of one chunk of a body. */
const byteLength = (chunk: string | Uint8Array): number =>
  typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.byteLength

type Chunk = string | Uint8Array

/**
 * Makes a body that can be read once replayable: keeps what was read, up to a limit. Several
 * readers may read from the start at once; the source is read only as fast as the fastest reader
 * asks. Beyond the limit nothing is kept, and no second reader is possible.
 */
export class ReplayBody {
  readonly #iterator: AsyncIterator<Chunk> | Iterator<Chunk>
  readonly #maxBytes: number
  #kept: Chunk[] = []
  #keptBytes = 0
  /** The number of chunks dropped before those in `#kept`. */
  #dropped = 0
  #readers = 0
  #keeping = true
  #ended = false
  #failure: { readonly error: unknown } | undefined
  #pending: Promise<void> | undefined

  /** `maxBytes`: the limit for kept bytes. */
  constructor(source: AsyncIterable<Chunk> | Iterable<Chunk>, maxBytes: number) {
    this.#iterator =
      Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
    this.#maxBytes = maxBytes
  }

  /** Whether the body can be read from its start. */
  get replayable(): boolean {
    return (
      this.#dropped === 0 && this.#failure === undefined && (this.#keeping || this.#readers === 0)
    )
  }

  /** The source's error: the body would fail on every instance. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure
  }

  /** Reads the body from its start, for one attempt. */
  async *read(): AsyncGenerator<Chunk, void, void> {
    this.#readers += 1
    for (let index = 0; ; index += 1) {
      while (index >= this.#dropped + this.#kept.length) {
        if (this.#failure !== undefined) throw this.#failure.error
        if (this.#ended) return
        this.#pending ??= this.#take()
        await this.#pending
      }
      const chunk = this.#kept[index - this.#dropped]
      // an abandoned attempt is behind a reader that has passed the limit
      if (chunk === undefined)
        throw new Error('the body cannot be sent again: it is beyond what is kept of it')
      this.#forget(index)
      yield chunk
    }
  }

  /** Stops keeping chunks: there will be no other attempt. */
  release(): void {
    this.#keeping = false
  }

  /** The call has ended: closes a source that was not read to its end. */
  async close(): Promise<void> {
    this.#keeping = false
    this.#kept = []
    if (this.#ended || this.#failure !== undefined) return
    this.#ended = true
    try {
      await this.#iterator.return?.()
    } catch {
      // no caller is left to receive the source's error
    }
  }

  async #take(): Promise<void> {
    try {
      const { done, value } = await this.#iterator.next()
      if (done === true) this.#ended = true
      else {
        this.#kept.push(value)
        this.#keptBytes += byteLength(value)
        if (this.#keptBytes > this.#maxBytes) this.#keeping = false
      }
    } catch (error) {
      this.#failure = { error }
    } finally {
      this.#pending = undefined
    }
  }

  /** Drops chunks that no later reader needs. */
  #forget(index: number): void {
    if (this.#keeping) return
    this.#kept.splice(0, index - this.#dropped + 1)
    this.#dropped = index + 1
  }
}
