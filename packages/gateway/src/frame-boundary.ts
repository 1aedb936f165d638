/** The longest head of a WebSocket frame: two bytes, eight of length, four of the mask. */
const maxHead = 14

/**
 * Finds where WebSocket frames end in a stream of bytes (RFC 6455, 5.2), so that a frame can be put
 * between two others. It reads lengths only.
 */
export class FrameBoundary {
  readonly #head = Buffer.alloc(maxHead)
  #headSize = 0
  /** Bytes of the present frame's payload that are still to come. */
  #left = 0

  /** Whether the bytes so far end with a whole frame. */
  get between(): boolean {
    return this.#headSize === 0 && this.#left === 0
  }

  /** Reads all of a chunk. */
  pass(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) at = this.#step(chunk, at)
  }

  /** Reads up to the end of the present frame; returns where that is, or the chunk's length. */
  passToEnd(chunk: Buffer): number {
    let at = 0
    while (at < chunk.length && !this.between) at = this.#step(chunk, at)
    return at
  }

  #step(chunk: Buffer, at: number): number {
    if (this.#left > 0) {
      const taken = Math.min(this.#left, chunk.length - at)
      this.#left -= taken
      return at + taken
    }
    this.#head[this.#headSize] = chunk[at] as number
    this.#headSize += 1
    if (this.#headSize >= 2 && this.#headSize === this.#wholeHead()) {
      this.#left = this.#payload()
      this.#headSize = 0
    }
    return at + 1
  }

  #wholeHead(): number {
    const second = this.#head[1] as number
    const length = second & 0x7f
    return 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + (second & 0x80 ? 4 : 0)
  }

  #payload(): number {
    const length = (this.#head[1] as number) & 0x7f
    if (length === 126) return this.#head.readUInt16BE(2)
    return length === 127 ? Number(this.#head.readBigUInt64BE(2)) : length
  }
}
