/** Bytes that are no record of the expected kind. Only a host that is not ZooKeeper sends them. */
export class MalformedRecord extends Error {
  override readonly name = 'MalformedRecord'
}

/**
 * Reads a record of jute (`org.apache.jute.BinaryInputArchive`). Every method throws
 * `MalformedRecord` where the bytes end too early, and allocates nothing before that check.
 */
export class RecordReader {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes
    this.#at = at
  }

  /** How many bytes are unread. */
  get left(): number {
    return this.#bytes.length - this.#at
  }

  int(): number {
    return this.#bytes.readInt32BE(this.#take(4))
  }

  long(): bigint {
    return this.#bytes.readBigInt64BE(this.#take(8))
  }

  /** Passes over bytes that are of no use. */
  skip(size: number): void {
    this.#take(size)
  }

  bool(): boolean {
    return this.#bytes[this.#take(1)] !== 0
  }

  /** Null bytes, which ZooKeeper writes with the length -1, are read as none. Not a copy. */
  bytes(): Buffer {
    const length = Math.max(0, this.int())
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  text(): string {
    return this.bytes().toString('utf8')
  }

  /** A null list is read as an empty one. */
  texts(): string[] {
    const count = this.int()
    // each has at least its length
    if (count > this.left / 4) throw this.#tooShort(4 * count)
    const texts: string[] = []
    for (let index = 0; index < count; index++) texts.push(this.text())
    return texts
  }

  #take(size: number): number {
    if (size > this.left) throw this.#tooShort(size)
    const at = this.#at
    this.#at += size
    return at
  }

  #tooShort(size: number): MalformedRecord {
    return new MalformedRecord(
      `a record ends after ${this.#bytes.length} bytes; ${size} more are expected after ${this.#at}`,
    )
  }
}
