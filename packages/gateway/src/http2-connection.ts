import http2, {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type OutgoingHttpHeaders,
  type SecureClientSessionOptions,
} from 'node:http2'

/** Where a connection leads, and how it is opened. */
export interface Http2Target {
  /** `https://orders-1:8443` */
  readonly authority: string
  /** PEM contents and the name for SNI; `undefined` without TLS. */
  readonly tls: SecureClientSessionOptions | undefined
  /** For the connection, TLS and the server's settings; 0: no limit. */
  readonly connectMs: number
}

/** No connection within the time. The code is undici's, so that both mean the same. */
class ConnectTimeout extends Error {
  readonly code = 'UND_ERR_CONNECT_TIMEOUT'
}

/**
 * A connection of HTTP/2 to an instance. Its users hold it, from before they wait for it until their
 * stream has ended, because a session of Node that is closed refuses streams that are about to be
 * opened.
 */
export class Http2Connection {
  /** Rejects with the error of the socket or of TLS. */
  readonly opened: Promise<void>
  readonly closed: Promise<void>
  readonly #session: ClientHttp2Session
  /** The last stream that the instance may have processed. */
  #lastStreamId = Number.POSITIVE_INFINITY
  #holders = 0
  #leaving = false

  constructor({ authority, tls, connectMs }: Http2Target) {
    const session = http2.connect(authority, tls)
    this.#session = session
    this.closed = new Promise((resolve) => session.once('close', resolve))
    // Node ends the streams above it with an error of the session if GOAWAY has a code
    session.on('goaway', (_code, lastStreamId: number) => (this.#lastStreamId = lastStreamId))
    this.opened = new Promise((resolve, reject) => {
      const late = (): void =>
        session.destroy(new ConnectTimeout(`no connection within ${connectMs} ms`))
      const timer = connectMs > 0 ? setTimeout(late, connectMs) : undefined
      // not at `connect`: the kernel also completes connections that the instance never accepts
      session.once('remoteSettings', () => {
        clearTimeout(timer)
        resolve()
      })
      // also later, when its streams report the error
      session.on('error', reject)
      session.once('close', () => {
        clearTimeout(timer)
        reject(new Error('the connection closed before it was open'))
      })
    })
  }

  /** Whether new streams can be opened. */
  get usable(): boolean {
    return !this.#session.closed && !this.#session.destroyed
  }

  /** Keeps the connection open until `release` is called, or a stream of `request` has closed. */
  hold(): void {
    this.#holders += 1
  }

  release(): void {
    this.#holders -= 1
    if (this.#leaving && this.#holders === 0) this.#session.close()
  }

  /** Opens a stream, which takes over what its caller holds. */
  request(head: OutgoingHttpHeaders): ClientHttp2Stream {
    const stream = this.#session.request(head, { endStream: false })
    stream.once('close', () => this.release())
    return stream
  }

  /**
   * Whether the instance has certainly not processed a stream that has broken, so that it may be
   * sent elsewhere: the stream was never opened, it was refused, or it is above the last stream of
   * GOAWAY (RFC 9113, 6.8 and 8.7).
   */
  leftUnprocessed({ id, rstCode }: ClientHttp2Stream): boolean {
    return (
      id === undefined || rstCode === constants.NGHTTP2_REFUSED_STREAM || id > this.#lastStreamId
    )
  }

  /** Closes the connection once nobody holds it. */
  leave(): void {
    this.#leaving = true
    if (this.#holders === 0) this.#session.close()
  }

  destroy(): void {
    this.#session.destroy()
  }
}
