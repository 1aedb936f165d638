import type { SecureClientSessionOptions } from 'node:http2'
import { Http2Connection } from './http2-connection.ts'

/** How connections are opened. */
export interface ConnectionOptions {
  /** PEM contents; `undefined` without TLS. */
  readonly tls: SecureClientSessionOptions | undefined
  /** The TLS name of an endpoint's host. */
  readonly tlsName: (hostname: string) => string
  readonly connectMs: number
}

/** One connection of HTTP/2 for each endpoint. One that is closing gets no new streams. */
export class Http2Connections {
  readonly #options: ConnectionOptions
  readonly #byEndpoint = new Map<string, Http2Connection>()
  readonly #all = new Set<Http2Connection>()

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  /** A connection, which the caller holds. Rejects with the error of the socket or of TLS. */
  async connect(endpoint: string): Promise<Http2Connection> {
    const present = this.#byEndpoint.get(endpoint)
    const connection = present?.usable === true ? present : this.#open(endpoint)
    connection.hold()
    try {
      await connection.opened
      return connection
    } catch (error) {
      connection.release()
      throw error
    }
  }

  /** An instance has left: its streams end normally, and then its connection. */
  leave(endpoint: string): void {
    this.#byEndpoint.get(endpoint)?.leave()
    this.#byEndpoint.delete(endpoint)
  }

  /** Resolves when the last stream has ended. */
  async close(): Promise<void> {
    this.#byEndpoint.clear()
    await Promise.all(
      [...this.#all].map((connection) => {
        connection.leave()
        return connection.closed
      }),
    )
  }

  destroy(): void {
    this.#byEndpoint.clear()
    for (const connection of this.#all) connection.destroy()
  }

  #open(endpoint: string): Http2Connection {
    const { tls, tlsName, connectMs } = this.#options
    const { hostname, port } = new URL(endpoint.replace(/^[a-z]+:/, 'http:'))
    const [scheme, defaultPort] = tls === undefined ? ['http', 80] : ['https', 443]
    const servername = tlsName(hostname.replace(/^\[|\]$/g, ''))
    const connection = new Http2Connection({
      authority: `${scheme}://${hostname}:${port || defaultPort}`,
      tls: tls === undefined ? undefined : { ...tls, servername },
      connectMs,
    })
    this.#byEndpoint.set(endpoint, connection)
    this.#all.add(connection)
    void connection.closed.finally(() => {
      this.#all.delete(connection)
      if (this.#byEndpoint.get(endpoint) === connection) this.#byEndpoint.delete(endpoint)
    })
    return connection
  }
}
