import { AsyncLocalStorage } from 'node:async_hooks'
import { type ClientHttp2Stream, constants } from 'node:http2'

/** How far one attempt of a call has come on the wire. */
export class CallAttempt {
  #stream: ClientHttp2Stream | undefined
  #session: ClientHttp2Stream['session']
  #unopened = false

  /** An HTTP/2 stream was opened for it: a server may work on it. */
  opened(stream: ClientHttp2Stream): void {
    this.#stream = stream
    // a stream that is destroyed has none any more
    this.#session = stream.session
  }

  /** There is no connection, so no stream. */
  couldNotOpen(): void {
    this.#unopened = true
  }

  /** Whether no stream could be opened. `false` also when none was asked for: the call itself is wrong. */
  get unopened(): boolean {
    return this.#unopened
  }

  /**
   * Whether no server can have worked on it: no stream could be opened, or the server refused it.
   * RFC 9113, section 8.7: REFUSED_STREAM, and streams above the last one that a GOAWAY names, which Node
   * closes with the same code.
   */
  get unprocessed(): boolean {
    return this.#unopened || this.#stream?.rstCode === constants.NGHTTP2_REFUSED_STREAM
  }

  /** Whether the connection has ended under it. */
  get lost(): boolean {
    return this.#stream !== undefined && this.#session?.destroyed !== false
  }
}

/** By which a connection knows the attempt that asks it for a stream: a Transport hands nothing through. */
export const currentAttempt: AsyncLocalStorage<CallAttempt> = new AsyncLocalStorage<CallAttempt>()
