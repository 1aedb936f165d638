import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import type { SecureContext } from 'node:tls'
import type { Clock, Timer } from '@sd/core/driver'
import { troubleOf } from './link-trouble.ts'

/** etcd closes a connection that pings more often than every 5 s. */
const pingEveryMs = 10_000
const pingTimeoutMs = 3000

/** What the server may send ahead, on the connection and on each stream: a page takes one round trip. */
const windowBytes = 4 * 1024 * 1024

/** Headers of a request, by name. */
export type Headers = Readonly<Record<string, string>>

/** One HTTP/2 connection to one endpoint, from its dialling to its end. */
export class Link {
  readonly endpoint: string
  readonly #session: ClientHttp2Session
  readonly #clock: Clock
  /** For each call in flight, what ends it with the connection. */
  readonly #calls = new Set<(why: string) => void>()
  #trouble: string | undefined
  #heardMs: number | undefined
  /** What waits for the server's first answer; `undefined` once it has arrived. */
  #waiting: (() => void)[] | undefined = []
  #ping: Timer | undefined
  #closing = false

  /** Dials. `secureContext` is needed for an `https:` endpoint. */
  constructor(endpoint: string, secureContext: SecureContext | undefined, clock: Clock) {
    this.endpoint = endpoint
    this.#clock = clock
    const session = connect(endpoint, {
      ...(secureContext === undefined ? {} : { secureContext }),
      settings: { enablePush: false, initialWindowSize: windowBytes },
      // the default of 10 MB is that of a server: it would refuse requests beside large ones
      maxSessionMemory: Number.MAX_SAFE_INTEGER,
    })
    this.#session = session
    session.once('connect', () => {
      // the event is late where the server hangs up at once
      if (!session.destroyed) session.setLocalWindowSize(windowBytes)
    })
    // a TLS handshake needs an answer, too; what the server thinks of the certificate shows with the first request
    session.once(secureContext === undefined ? 'remoteSettings' : 'connect', () => {
      const waiting = this.#waiting ?? []
      this.#waiting = undefined
      for (const begin of waiting) begin()
    })
    session.on('error', (error) => (this.#trouble ??= troubleOf(error)))
    session.on('goaway', (code, _, data) => {
      if (code !== constants.NGHTTP2_NO_ERROR)
        this.#trouble ??= `the server closed the connection: code ${code} ${data?.toString() ?? ''}`
      if (this.#calls.size === 0) session.destroy()
    })
    session.once('close', () => this.#ended())
  }

  /** Whether new calls can begin on it. */
  get isOpen(): boolean {
    return !this.#closing && !this.#session.closed && !this.#session.destroyed
  }

  /** Why the connection has ended; `undefined` before. */
  get end(): string | undefined {
    if (!this.#session.destroyed) return undefined
    return this.#trouble ?? 'the server closed the connection'
  }

  /** What the server does, for messages. */
  get seen(): string {
    if (this.end !== undefined) return `${this.endpoint}: ${this.end}`
    if (this.#session.connecting) return `no connection to ${this.endpoint}`
    if (this.#heardMs === undefined)
      return `${this.endpoint} accepted a connection, and has not answered`
    const silentMs = Math.round(this.#clock.monotonicMs() - this.#heardMs)
    return `${this.endpoint} is connected, and last answered ${silentMs} ms ago`
  }

  /** A part of an answer has arrived. */
  heard(): void {
    this.#heardMs = this.#clock.monotonicMs()
  }

  /** A call begins: `lost` is called if the connection ends before `release` is called with it. */
  hold(lost: (why: string) => void): void {
    if (this.#calls.size === 0) this.#session.ref()
    this.#calls.add(lost)
    this.#ping ??= this.#pingLater()
  }

  /**
   * Calls `begin` as soon as the server has answered once, which may be now: with its first frame, or
   * with its part of the TLS handshake. A request that is
   * sent to a frozen server before that is executed when the server resumes, long after its caller
   * has given up.
   */
  whenReady(begin: () => void): void {
    if (this.#waiting) this.#waiting.push(begin)
    else begin()
  }

  /** Throws if the connection takes no more requests. */
  request(headers: Headers): ClientHttp2Stream {
    return this.#session.request(headers)
  }

  /** The call is over: a connection without calls does not keep the process alive. */
  release(lost: (why: string) => void): void {
    if (!this.#calls.delete(lost) || this.#calls.size > 0) return
    this.#ping?.cancel()
    this.#ping = undefined
    if (!this.isOpen) this.#session.destroy()
    else this.#session.unref()
  }

  /** Accepts no new calls, and ends with the last one. */
  close(): void {
    this.#closing = true
    if (this.#calls.size === 0) this.#session.destroy()
  }

  /** Only a ping tells that a server no longer answers where nothing but a watch is open. */
  #pingLater(): Timer {
    return this.#clock.setTimer(pingEveryMs, () => {
      const session = this.#session
      this.#ping = this.#clock.setTimer(pingTimeoutMs, () =>
        session.destroy(
          new Error(
            session.connecting
              ? `no connection within ${pingEveryMs + pingTimeoutMs} ms`
              : `the server did not answer a ping within ${pingTimeoutMs} ms`,
          ),
        ),
      )
      if (session.connecting || session.destroyed) return
      session.ping((error) => {
        if (error !== null || this.#ping === undefined) return
        this.#ping.cancel()
        this.#ping = this.#pingLater()
      })
    })
  }

  #ended(): void {
    this.#ping?.cancel()
    this.#ping = undefined
    for (const lost of [...this.#calls]) lost(this.end ?? '')
    this.#calls.clear()
  }
}
