const initialBytes = 256

/**
 * Writes a record of jute, ZooKeeper's serialization: big-endian numbers, and bytes, texts and lists
 * after their length (`org.apache.jute.BinaryOutputArchive`).
 */
export class RecordWriter {
  #bytes = Buffer.allocUnsafe(initialBytes)
  #length = 0

  /** A 32-bit number. Throws `RangeError` on any other, which a `Buffer` would truncate. */
  int(value: number): this {
    if (value !== (value | 0)) throw new RangeError(`${value} is not a 32-bit integer`)
    const at = this.#take(4)
    this.#bytes.writeInt32BE(value, at)
    return this
  }

  long(value: bigint): this {
    const at = this.#take(8)
    this.#bytes.writeBigInt64BE(value, at)
    return this
  }

  bool(value: boolean): this {
    const at = this.#take(1)
    this.#bytes[at] = value ? 1 : 0
    return this
  }

  bytes(value: Uint8Array): this {
    if (!(value instanceof Uint8Array)) throw new TypeError(`${String(value)} is not bytes`)
    this.int(value.length)
    const at = this.#take(value.length)
    this.#bytes.set(value, at)
    return this
  }

  /** In UTF-8. */
  text(value: string): this {
    if (typeof value !== 'string') throw new TypeError(`${String(value)} is not a text`)
    const length = Buffer.byteLength(value)
    this.int(length)
    const at = this.#take(length)
    this.#bytes.write(value, at, length, 'utf8')
    return this
  }

  list<T>(items: readonly T[], write: (item: T) => void): this {
    this.int(items.length)
    for (const item of items) write(item)
    return this
  }

  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Makes room, and returns where it begins. */
  #take(size: number): number {
    const at = this.#length
    this.#length += size
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#length))
      this.#bytes.copy(larger, 0, 0, at)
      this.#bytes = larger
    }
    return at
  }
}
