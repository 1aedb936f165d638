import { Readable } from 'node:stream'
import type { Incoming } from './messages.ts'

/** What a `RequestBody` tells the exchange. */
export interface BodyListener {
  /** The instance begins to read: a client that sent `Expect: 100-continue` may send now. */
  bodyWanted(): void
  /** The body is over its limit. */
  bodyTooLarge(): void
}

/**
 * The body of a request for an instance, counted. Not the request itself: undici destroys a body
 * with the instance's connection, and the client's connection would go with it, before the client
 * has its response.
 */
export class RequestBody extends Readable {
  readonly #source: Incoming
  readonly #listener: BodyListener
  readonly #maxBytes: number
  readonly #onData = (chunk: Buffer): void => this.#take(chunk)
  readonly #onEnd = (): void => void this.push(null)
  #begun = false
  /** Bytes read so far. */
  bytes = 0

  constructor(source: Incoming, maxBytes: number, listener: BodyListener) {
    super()
    this.#source = source
    this.#maxBytes = maxBytes
    this.#listener = listener
    // undici destroys a body with the error of its connection, which the exchange hears otherwise
    this.on('error', () => {})
  }

  override _read(): void {
    if (!this.#begun) {
      this.#begun = true
      this.#listener.bodyWanted()
      this.#source.on('data', this.#onData).on('end', this.#onEnd)
    }
    this.#source.resume()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#source.off('data', this.#onData).off('end', this.#onEnd)
    callback(error)
  }

  #take(chunk: Buffer): void {
    this.bytes += chunk.length
    if (this.bytes > this.#maxBytes) this.#listener.bodyTooLarge()
    else if (!this.push(chunk)) this.#source.pause()
  }
}
