/** No answer of a ZooKeeper server is larger. */
const maxFrameBytes = 64 * 1024 * 1024

/**
 * Splits received bytes into frames: four bytes of length, then the content. There is one reader for
 * each connection, so that half a frame of a broken connection never precedes the next handshake (the
 * library keeps it, and never recovers). The library copies all waiting bytes for each frame, and
 * recurses; this class does neither.
 */
export class FrameReader {
  #chunks: Buffer[] = []
  #size = 0
  /** Bytes needed for the next frame. */
  #wanted = 4

  /** The frames that `chunk` completes, with their length prefix. Throws on an impossible length. */
  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#size < this.#wanted) return []
    const frames: Buffer[] = []
    let rest = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks)
    for (;;) {
      this.#wanted = rest.length < 4 ? 4 : 4 + lengthOf(rest)
      if (rest.length < this.#wanted) break
      frames.push(rest.subarray(0, this.#wanted))
      rest = rest.subarray(this.#wanted)
    }
    this.#chunks = [rest]
    this.#size = rest.length
    return frames
  }
}

const lengthOf = (frame: Buffer): number => {
  const length = frame.readInt32BE(0)
  if (length < 0 || length > maxFrameBytes)
    throw new Error(`a frame of ${length} bytes is invalid: the host is not a ZooKeeper server`)
  return length
}
