import { createServer, type IncomingMessage, type Server } from 'node:http'
import {
  createSecureServer,
  createServer as createHttp2Server,
  type ServerHttp2Session,
} from 'node:http2'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { AnyHttpServer } from '@sd/lifecycle'
import type { Incoming, Outgoing } from './messages.ts'

/** The certificate that the gateway shows to clients: PEM contents. */
export interface FrontTls {
  readonly cert: string | Uint8Array
  readonly key: string | Uint8Array
}

/** How the gateway listens. */
export interface FrontOptions {
  readonly tls: FrontTls | undefined
  readonly headersMs: number
  readonly requestMs: number
  readonly keepAliveMs: number
}

/** What handles requests and upgrades. */
export interface FrontHandlers {
  /** `continues`: the client waits for `100 Continue`. */
  request(request: Incoming, response: Outgoing, continues: boolean): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

// as many as Envoy allows; Node's default is no limit
const settings = { maxConcurrentStreams: 1_000 }

/** What begins a connection of HTTP/2 without TLS (RFC 9113, 3.4). No HTTP/1.1 method begins so. */
const preface = 'PRI'

/**
 * Calls `decide` with whether the client speaks HTTP/2, once it has sent enough to tell. The bytes
 * are put back.
 */
const sniff = (socket: Socket, limitMs: number, decide: (http2: boolean) => void): void => {
  const late = (): void => void socket.destroy()
  socket.once('end', late)
  socket.setTimeout(limitMs, late)
  const onError = (): void => {}
  socket.on('error', onError)
  let begun = ''
  const held: Buffer[] = []
  const onData = (chunk: Buffer): void => {
    held.push(chunk)
    begun += chunk.toString('latin1', 0, preface.length)
    if (begun.length < preface.length && preface.startsWith(begun)) return
    socket.off('data', onData).off('timeout', late).off('end', late).off('error', onError)
    socket.setTimeout(0)
    socket.pause()
    socket.unshift(Buffer.concat(held))
    decide(begun.startsWith(preface))
    process.nextTick(() => socket.resume())
  }
  socket.on('data', onData)
}

/** Lets a server of HTTP/1.1 also accept connections of HTTP/2 without TLS on its port. */
const acceptHttp2 = (
  server: Server,
  limitMs: number,
  onRequest: (request: Incoming, response: Outgoing) => void,
): void => {
  const http2 = createHttp2Server({ settings }, onRequest)
  // the server that listens is told, because it is drained
  http2.on('session', (session) => server.emit('session', session))
  http2.on('sessionError', () => {})
  const [accept] = server.listeners('connection') as [(socket: Socket) => void]
  server.off('connection', accept)
  server.on('connection', (socket: Socket) =>
    sniff(socket, limitMs, (speaksHttp2) => {
      if (speaksHttp2) {
        // servers of HTTP/1.1 keep the connection of a client that has ended its side
        socket.allowHalfOpen = false
        http2.emit('connection', socket)
      } else accept.call(server, socket)
    }),
  )
}

/**
 * The server that clients connect to: HTTP/1.1 and HTTP/2 on one port, with TLS by ALPN, without TLS
 * by the first bytes.
 */
export const createFront = (options: FrontOptions, handlers: FrontHandlers): AnyHttpServer => {
  const { tls, headersMs, requestMs, keepAliveMs } = options
  const timeouts = {
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    keepAliveTimeout: keepAliveMs,
    // Node 24.9 and later: other upgrades (`h2c` of Java's client) are answered as plain requests
    shouldUpgradeCallback: ({ headers }: IncomingMessage) => isUpgradable(headers.upgrade),
  }
  const onRequest = (request: Incoming, response: Outgoing): void =>
    handlers.request(request, response, false)
  const server =
    tls === undefined
      ? createServer(timeouts, onRequest)
      : createSecureServer({ ...timeouts, ...tls, allowHTTP1: true, settings } as object, onRequest)
  if (tls === undefined) acceptHttp2(server as Server, headersMs, onRequest)
  else {
    server.on('sessionError', () => {})
    Object.assign(server, {
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      keepAliveTimeout: keepAliveMs,
    })
  }
  // a session without traffic ends once its streams have ended
  server.on('session', (session: ServerHttp2Session) =>
    session.setTimeout(keepAliveMs, () => session.close()),
  )
  const plain = server as Server
  plain.on('checkContinue', (request, response) => handlers.request(request, response, true))
  plain.on('upgrade', (request, socket, head) => handlers.upgrade(request, socket, head))
  plain.on('connect', (_request, socket) =>
    socket.end('HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'),
  )
  return server
}

/** Whether an `Upgrade` header asks for a protocol that is passed through. */
export const isUpgradable = (upgrade: string | undefined): upgrade is string =>
  upgrade !== undefined && /^websocket$/i.test(upgrade)
