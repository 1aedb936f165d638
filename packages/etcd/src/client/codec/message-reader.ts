/** Bytes that are no message of the expected kind. Only a host that is not etcd sends them. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage'
}

/** Wire types of https://protobuf.dev/programming-guides/encoding. */
const varintType = 0
const fixed64Type = 1
const bytesType = 2
const fixed32Type = 5

/** The numbers of seven bytes are exact; the largest has ten. */
const exactBytes = 7
const mostBytes = 10

/**
 * Reads the fields of one protobuf message: `next` moves to a field, then one call reads or skips its
 * value. Every method throws `MalformedMessage` where the bytes end too early or have another type,
 * and allocates nothing before that check.
 */
export class MessageReader {
  readonly #bytes: Buffer
  #at = 0
  #end: number
  #type = varintType

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.#end = bytes.length
  }

  /** The number of the next field, or 0 at the end of the message. */
  next(): number {
    if (this.#at === this.#end) return 0
    const tag = this.#number()
    this.#type = tag % 8
    const field = Math.floor(tag / 8)
    if (field === 0) throw new MalformedMessage(`a field has the number 0 at byte ${this.#at}`)
    return field
  }

  /** Not a copy. */
  bytes(): Buffer {
    const at = this.#begin()
    return this.#bytes.subarray(at, this.#at)
  }

  text(): string {
    const at = this.#begin()
    return this.#bytes.toString('utf8', at, this.#at)
  }

  bool(): boolean {
    return this.number() !== 0
  }

  /** Of an enum or a number that is known to be below 2⁵³. */
  number(): number {
    this.#expect(varintType)
    return this.#number()
  }

  /** In decimal. */
  int64(): string {
    this.#expect(varintType)
    const value = this.#varint()
    return String(typeof value === 'number' ? value : BigInt.asIntN(64, value))
  }

  /** In decimal. */
  uint64(): string {
    this.#expect(varintType)
    return String(this.#varint())
  }

  /** A nested message, of which `read` reads all fields. */
  message<T>(read: (reader: MessageReader) => T): T {
    const outer = this.#end
    const at = this.#begin()
    this.#end = this.#at
    this.#at = at
    const value = read(this)
    if (this.#at !== this.#end)
      throw new MalformedMessage('a nested message is not read to its end')
    this.#end = outer
    return value
  }

  /** Skips the value of a field that is of no interest, or of a later version. */
  skip(): void {
    if (this.#type === varintType) this.#skipVarint()
    else if (this.#type === bytesType) this.#begin()
    else if (this.#type === fixed64Type) this.#take(8)
    else if (this.#type === fixed32Type) this.#take(4)
    else throw new MalformedMessage(`a field has the unknown type ${this.#type}`)
  }

  /** Moves behind a value with a length; returns where it begins. */
  #begin(): number {
    this.#expect(bytesType)
    const length = this.#number()
    return this.#take(length)
  }

  #expect(type: number): void {
    if (this.#type !== type)
      throw new MalformedMessage(`a field has the type ${this.#type}; expected ${type}`)
  }

  #number(): number {
    const value = this.#varint()
    return typeof value === 'number' ? value : Number(value)
  }

  #varint(): number | bigint {
    let value = 0
    let factor = 1
    for (let index = 0; index < exactBytes; index++) {
      const byte = this.#byte()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
      factor *= 0x80
    }
    let high = 0
    for (let index = exactBytes; index < mostBytes; index++) {
      const byte = this.#byte()
      high += (byte & 0x7f) << (7 * (index - exactBytes))
      if (byte < 0x80)
        return BigInt.asUintN(64, BigInt(value) + (BigInt(high) << BigInt(7 * exactBytes)))
    }
    throw new MalformedMessage(`a number has more than ${mostBytes} bytes`)
  }

  #skipVarint(): void {
    for (let index = 0; index < mostBytes; index++) if (this.#byte() < 0x80) return
    throw new MalformedMessage(`a number has more than ${mostBytes} bytes`)
  }

  #byte(): number {
    return this.#bytes[this.#take(1)] as number
  }

  #take(size: number): number {
    if (size > this.#end - this.#at)
      throw new MalformedMessage(
        `a message ends after ${this.#end} bytes; ${size} more are expected after ${this.#at}`,
      )
    const at = this.#at
    this.#at += size
    return at
  }
}
