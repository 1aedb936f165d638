/** Bytes before each message: whether it is compressed, and its length in four bytes. */
export const prefixBytes = 5

/** Fills the prefix of an uncompressed message, which begins `prefixBytes` after its buffer does. */
export const withPrefix = (frame: Buffer): Buffer => {
  frame[0] = 0
  frame.writeUInt32BE(frame.length - prefixBytes, 1)
  return frame
}

/**
 * Splits the data of a response into messages. It does not limit their size, as the server limits its
 * own; memory is only taken for bytes that have arrived.
 */
export class MessageFrames {
  #chunks: Buffer[] = []
  #size = 0
  /** Bytes needed for the next message. */
  #wanted = prefixBytes

  /** Whether a message has begun and not ended. */
  get isPartial(): boolean {
    return this.#size > 0
  }

  /** The messages that `chunk` completes. Throws on a compressed one, which the client never asks for. */
  *push(chunk: Buffer): Generator<Buffer> {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#size < this.#wanted) return
    let rest = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#size)
    for (;;) {
      this.#wanted = rest.length < prefixBytes ? prefixBytes : wholeLength(rest)
      if (rest.length < this.#wanted) break
      const message = rest.subarray(prefixBytes, this.#wanted)
      rest = rest.subarray(this.#wanted)
      yield message
    }
    this.#chunks = rest.length === 0 ? [] : [rest]
    this.#size = rest.length
  }
}

const wholeLength = (frame: Buffer): number => {
  if (frame[0] !== 0)
    throw new Error('the server sent a compressed message, which was not asked for')
  return prefixBytes + frame.readUInt32BE(1)
}
