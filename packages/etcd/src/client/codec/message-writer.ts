const initialBytes = 256
/** Wire types of https://protobuf.dev/programming-guides/encoding. */
const varintType = 0
const bytesType = 2

/**
 * Writes the fields of one protobuf message, in the order of the calls. Fields with the default value
 * of proto3 (0, false, no bytes) are left out, as every implementation does.
 */
export class MessageWriter {
  #bytes: Buffer
  #length: number
  /** The last long number: a batch repeats the id of its lease. */
  #long: { readonly text: string; readonly bytes: Buffer } | undefined

  /** `reserved` bytes before the message are left to the caller. */
  constructor(reserved = 0) {
    this.#bytes = Buffer.allocUnsafe(initialBytes)
    this.#length = reserved
  }

  bytes(field: number, value: Uint8Array): this {
    if (value.length === 0) return this
    this.#varint(8 * field + bytesType)
    this.#varint(value.length)
    const at = this.#take(value.length)
    this.#bytes.set(value, at)
    return this
  }

  /** In UTF-8. */
  text(field: number, value: string): this {
    const length = Buffer.byteLength(value)
    if (length === 0) return this
    this.#varint(8 * field + bytesType)
    this.#varint(length)
    const at = this.#take(length)
    this.#bytes.write(value, at, length, 'utf8')
    return this
  }

  bool(field: number, value: boolean): this {
    return value ? this.number(field, 1) : this
  }

  /** A natural number or enum. Throws `RangeError` on any other. */
  number(field: number, value: number): this {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new RangeError(`${value} is not a natural number`)
    if (value === 0) return this
    this.#varint(8 * field + varintType)
    this.#varint(value)
    return this
  }

  /** A 64-bit number in decimal; `always` writes it even if it is 0, as the member of a `oneof`. */
  int64(field: number, value: string, always = false): this {
    if (value === '0' && !always) return this
    this.#varint(8 * field + varintType)
    const small = Number(value)
    if (Number.isSafeInteger(small) && small >= 0) this.#varint(small)
    else this.#longVarint(value)
    return this
  }

  /** A list of enums in one field, as proto3 packs it. */
  packed(field: number, values: readonly number[]): this {
    return values.length === 0
      ? this
      : this.message(field, () => {
          for (const value of values) this.#varint(value)
        })
  }

  /** A nested message, with the fields that `write` adds; an empty one is written, too. */
  message(field: number, write: () => void): this {
    this.#varint(8 * field + bytesType)
    // most are short enough for one byte of length; the others are moved
    const lengthAt = this.#take(1)
    write()
    const begin = lengthAt + 1
    const size = this.#length - begin
    if (size < 0x80) {
      this.#bytes[lengthAt] = size
      return this
    }
    const end = this.#length
    this.#length = lengthAt
    this.#varintAfter(size, begin, end)
    return this
  }

  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Writes `value` at the end, and moves the bytes from `begin` to `end` behind it. */
  #varintAfter(value: number, begin: number, end: number): void {
    let width = 1
    for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) width++
    const at = this.#length
    this.#take(width + end - begin)
    this.#bytes.copyWithin(at + width, begin, end)
    this.#length = at
    this.#varint(value)
    this.#length = at + width + end - begin
  }

  #varint(value: number): void {
    let rest = value
    while (rest >= 0x80) {
      this.#byte((rest % 0x80) + 0x80)
      rest = Math.floor(rest / 0x80)
    }
    this.#byte(rest)
  }

  /** At least 2⁵³: seven bytes of seven bits each, and the rest. */
  #longVarint(text: string): void {
    if (this.#long?.text === text) {
      const at = this.#take(this.#long.bytes.length)
      this.#bytes.set(this.#long.bytes, at)
      return
    }
    const begin = this.#length
    const value = BigInt.asUintN(64, BigInt(text))
    let low = Number(BigInt.asUintN(49, value))
    for (let index = 0; index < 7; index++) {
      this.#byte((low % 0x80) + 0x80)
      low = Math.floor(low / 0x80)
    }
    this.#varint(Number(value >> 49n))
    this.#long = { text, bytes: Buffer.from(this.#bytes.subarray(begin, this.#length)) }
  }

  #byte(value: number): void {
    const at = this.#take(1)
    this.#bytes[at] = value
  }

  /** Makes room, and returns where it begins. */
  #take(size: number): number {
    const at = this.#length
    this.#length += size
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#length))
      this.#bytes.copy(larger, 0, 0, this.#bytes.length)
      this.#bytes = larger
    }
    return at
  }
}
