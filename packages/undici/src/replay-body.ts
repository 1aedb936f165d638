/** Bytes of one chunk of a body. */
const byteLength = (chunk: string | Uint8Array): number =>
  typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.byteLength

type Chunk = string | Uint8Array

/**
 * A request's body that can be read once, made readable again: what was taken from it is kept, up to a
 * limit. Several readers may be under way, each from the start; the source is read only as fast
 * as the fastest of them asks. Past the limit nothing is kept, and there is no second reader.
 */
export class ReplayBody {
  readonly #iterator: AsyncIterator<Chunk> | Iterator<Chunk>
  readonly #maxBytes: number
  #kept: Chunk[] = []
  #keptBytes = 0
  /** How many chunks were taken before those that are kept. */
  #dropped = 0
  #readers = 0
  #keeping = true
  #ended = false
  #failure: { readonly error: unknown } | undefined
  #pending: Promise<void> | undefined

  /** `maxBytes`: how much is kept at most. */
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

  /** What the source failed with; a body that is broken is broken on every instance. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure
  }

  /** The body from its start, for one attempt. */
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
      // an attempt that was given up, behind one that went on past the limit
      if (chunk === undefined) throw new Error('the body is past what is kept of it')
      this.#forget(index)
      yield chunk
    }
  }

  /** There will be no other attempt: what was kept is let go as it is read. */
  release(): void {
    this.#keeping = false
  }

  /** The call has ended: a source that was not read to its end is told so. */
  async close(): Promise<void> {
    this.#keeping = false
    this.#kept = []
    if (this.#ended || this.#failure !== undefined) return
    this.#ended = true
    try {
      await this.#iterator.return?.()
    } catch {
      // nobody waits for the source any more
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

  /** Drops what no reader can come back for. */
  #forget(index: number): void {
    if (this.#keeping) return
    this.#kept.splice(0, index - this.#dropped + 1)
    this.#dropped = index + 1
  }
}
