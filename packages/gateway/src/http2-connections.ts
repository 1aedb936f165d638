import http2, { type ClientHttp2Session, type SecureClientSessionOptions } from 'node:http2'

/** How connections are opened. */
export interface ConnectionOptions {
  /** PEM contents and the name for SNI; `undefined` without TLS. */
  readonly tls: SecureClientSessionOptions | undefined
  /** The TLS name of an endpoint's host. */
  readonly tlsName: (hostname: string) => string
  readonly connectMs: number
}

/** No connection within the time. The code is undici's, so that both mean the same. */
class ConnectTimeout extends Error {
  readonly code = 'UND_ERR_CONNECT_TIMEOUT'
}

/** One connection of HTTP/2 for each endpoint. One that is closing gets no new streams. */
export class Http2Connections {
  readonly #options: ConnectionOptions
  readonly #sessions = new Map<string, Promise<ClientHttp2Session>>()
  readonly #all = new Set<ClientHttp2Session>()

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  /** A connection that is open. Rejects with the error of the socket or of TLS. */
  connect(endpoint: string): Promise<ClientHttp2Session> {
    const present = this.#sessions.get(endpoint)
    if (present !== undefined) return present
    const opened = this.#open(endpoint)
    this.#sessions.set(endpoint, opened)
    const forget = (): void => {
      if (this.#sessions.get(endpoint) === opened) this.#sessions.delete(endpoint)
    }
    opened.then((session) => session.once('goaway', forget).once('close', forget), forget)
    return opened
  }

  /** An instance has left: its streams end normally, and then its connection. */
  leave(endpoint: string): void {
    const present = this.#sessions.get(endpoint)
    this.#sessions.delete(endpoint)
    present?.then(
      (session) => session.close(),
      () => {},
    )
  }

  /** Resolves when the last stream has ended. */
  async close(): Promise<void> {
    this.#sessions.clear()
    await Promise.all(
      [...this.#all].map(
        (session) => new Promise<void>((resolve) => session.close(() => resolve())),
      ),
    )
  }

  destroy(): void {
    this.#sessions.clear()
    for (const session of this.#all) session.destroy()
  }

  #open(endpoint: string): Promise<ClientHttp2Session> {
    const { tls, tlsName, connectMs } = this.#options
    const { hostname, port } = new URL(endpoint.replace(/^[a-z]+:/, 'http:'))
    const host = hostname.replace(/^\[|\]$/g, '')
    const authority = `${tls === undefined ? 'http' : 'https'}://${hostname}:${port || (tls === undefined ? 80 : 443)}`
    const session =
      tls === undefined
        ? http2.connect(authority)
        : http2.connect(authority, { ...tls, servername: tlsName(host) })
    this.#all.add(session)
    return new Promise((resolve, reject) => {
      const late = (): void =>
        session.destroy(new ConnectTimeout(`no connection within ${connectMs} ms`))
      const timer = connectMs > 0 ? setTimeout(late, connectMs) : undefined
      session.once('connect', () => {
        clearTimeout(timer)
        resolve(session)
      })
      // also later, when its streams report the error
      session.on('error', reject)
      session.once('close', () => {
        clearTimeout(timer)
        this.#all.delete(session)
        reject(new Error('the connection closed before it was open'))
      })
    })
  }
}
