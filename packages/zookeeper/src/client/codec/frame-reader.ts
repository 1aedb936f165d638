/**
 * Splits received bytes into frames: four bytes of length, then the content. There is one reader for
 * each connection, so that half a frame of a broken connection never precedes the next handshake.
 */
export class FrameReader {
  /** The largest length to accept. */
  maxBytes: number
  #chunks: Buffer[] = []
  #size = 0
  /** Bytes needed for the next frame. */
  #wanted = 4

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  /** Whether a frame has begun that is not complete. */
  get hasPart(): boolean {
    return this.#size > 0
  }

  /**
   * The frames that `chunk` completes, without their length. Handles one after the other, so that a
   * change of `maxBytes` applies to the next. Throws on a length that is not accepted.
   */
  *push(chunk: Buffer): Generator<Buffer> {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#size < this.#wanted) return
    let rest = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks)
    for (;;) {
      this.#wanted = rest.length < 4 ? 4 : 4 + this.#lengthOf(rest)
      if (rest.length < this.#wanted) break
      const frame = rest.subarray(4, this.#wanted)
      rest = rest.subarray(this.#wanted)
      yield frame
    }
    this.#chunks = [rest]
    this.#size = rest.length
  }

  #lengthOf(frame: Buffer): number {
    const length = frame.readInt32BE(0)
    if (length >= 0 && length <= this.maxBytes) return length
    throw new FrameTooLong(`a frame of ${length} bytes; at most ${this.maxBytes} are accepted`)
  }
}

/** The length of a frame that is negative or not accepted. */
export class FrameTooLong extends Error {
  override readonly name = 'FrameTooLong'
}
