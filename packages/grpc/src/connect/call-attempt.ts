import { AsyncLocalStorage } from 'node:async_hooks'
import { type ClientHttp2Stream, constants } from 'node:http2'

/** The progress of one attempt of a call on the wire. */
export class CallAttempt {
  #stream: ClientHttp2Stream | undefined
  #session: ClientHttp2Stream['session']
  #unopened = false

  /** Records the attempt's HTTP/2 stream. From then on a server may process the call. */
  opened(stream: ClientHttp2Stream): void {
    this.#stream = stream
    // a destroyed stream no longer has a session
    this.#session = stream.session
  }

  /** Records that there is no connection, and therefore no stream. */
  couldNotOpen(): void {
    this.#unopened = true
  }

  /**
   * Whether no stream could be opened. `false` also when none was requested: the call itself is
   * wrong.
   */
  get unopened(): boolean {
    return this.#unopened
  }

  /**
   * Whether no server can have processed it: no stream could be opened, or the server refused it.
   * RFC 9113, section 8.7: REFUSED_STREAM, and streams above the last one that a GOAWAY names,
   * which Node closes with the same code.
   */
  get unprocessed(): boolean {
    return this.#unopened || this.#stream?.rstCode === constants.NGHTTP2_REFUSED_STREAM
  }

  /** Whether its connection was lost. */
  get lost(): boolean {
    return this.#stream !== undefined && this.#session?.destroyed !== false
  }
}

/** Tells a connection which attempt requests a stream, as a Transport passes no context. */
export const currentAttempt: AsyncLocalStorage<CallAttempt> = new AsyncLocalStorage<CallAttempt>()
