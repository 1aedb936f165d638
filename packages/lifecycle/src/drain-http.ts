import type { Http2Server, Http2Session } from 'node:http2'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** A server of `node:http`, `node:https` or `node:http2`. */
export type AnyHttpServer = Server | Http2Server

/** How often a draining server closes the connections that are idle or unused. */
const sweepMs = 50

/** Identifies a connection. Over TLS a request has another socket object than `connection`. */
const peerOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`

/**
 * Closes a server without losing a response. `server.close()` alone leaves keep-alive connections
 * open until their timeout (5 s, plus 1 s) and waits without limit for connections that never
 * send a request, for upgraded ones and for HTTP/2 sessions
 * (https://nodejs.org/api/http.html#serverclosecallback).
 */
export class HttpDrain {
  readonly #server: AnyHttpServer
  readonly #sockets = new Set<Socket>()
  /** Connections on which no request has begun. */
  readonly #unused = new Map<string, Socket>()
  /** Sockets of HTTP/1 requests: only the first request on each tells that it is used. */
  readonly #used = new WeakSet<Socket>()
  /** Peers with a session of HTTP/2: GOAWAY tells them which requests were not processed. */
  readonly #sessionPeers = new Set<string>()
  readonly #sessions = new Set<Http2Session>()
  /** HTTP/1 responses that have not ended. HTTP/2 uses GOAWAY instead of `Connection: close`. */
  readonly #responses = new Set<ServerResponse>()
  #draining = false

  /** Create it before the server listens: it does not see earlier connections. */
  constructor(server: AnyHttpServer) {
    this.#server = server
    server.on('connection', (socket: Socket) => {
      const peer = peerOf(socket)
      this.#sockets.add(socket)
      // without TLS the session is there before its connection is told
      if (!this.#sessionPeers.has(peer)) this.#unused.set(peer, socket)
      socket.once('close', () => {
        this.#sockets.delete(socket)
        this.#unused.delete(peer)
      })
    })
    server.on('session', (session: Http2Session) => {
      const peer = peerOf(session.socket)
      this.#unused.delete(peer)
      this.#sessionPeers.add(peer)
      this.#sessions.add(session)
      session.once('close', () => {
        this.#sessionPeers.delete(peer)
        this.#sessions.delete(session)
      })
    })
    const responses = this.#responses
    // one function for all requests: it runs for each
    function forget(this: ServerResponse): void {
      responses.delete(this)
    }
    server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
      if (request.httpVersionMajor !== 1) return
      const { socket } = request
      if (!this.#used.has(socket)) {
        this.#used.add(socket)
        this.#unused.delete(peerOf(socket))
      }
      responses.add(response)
      response.on('close', forget)
      if (this.#draining) response.setHeader('connection', 'close')
    })
    if (server.listenerCount('upgrade') > 0)
      server.on('upgrade', ({ socket }: IncomingMessage) => this.#unused.delete(peerOf(socket)))
  }

  /** Resolves when the last connection is closed. Destroys those left when `signal` aborts. */
  async drain(signal: AbortSignal): Promise<void> {
    this.#draining = true
    const server = this.#server
    // else the client may send its next request just as the idle connection is closed
    for (const response of this.#responses)
      if (!response.headersSent) response.setHeader('connection', 'close')
    // closing loses the requests that have arrived and are not read: a whole turn of the loop reads them
    await nextTurn()
    await nextTurn()
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const session of this.#sessions) session.close()
    const closeIdle = (): void => {
      if ('closeIdleConnections' in server) server.closeIdleConnections()
    }
    closeIdle()
    const sweep = setInterval(() => {
      setImmediate(() => {
        closeIdle()
        // not earlier: the first request may be on its way
        for (const socket of this.#unused.values()) socket.destroy()
      })
    }, sweepMs)
    const cut = (): void => this.destroy()
    if (signal.aborted) cut()
    signal.addEventListener('abort', cut, { once: true })
    try {
      await closed
    } finally {
      clearInterval(sweep)
      signal.removeEventListener('abort', cut)
    }
  }

  /** Stops accepting connections and destroys all existing ones, including upgraded ones. */
  destroy(): void {
    this.#server.close()
    for (const session of this.#sessions) session.destroy()
    for (const socket of this.#sockets) socket.destroy()
  }
}
