import http, { type IncomingMessage, ServerResponse } from 'node:http'
import https from 'node:https'
import type { Duplex } from 'node:stream'
import type { Exchange, Forwarder } from './exchange.ts'
import { FrameBoundary } from './frame-boundary.ts'
import { type Refusal, refusal } from './problem.ts'
import { requestHeaders } from './request-headers.ts'
import { responseHeaders } from './response-headers.ts'
import type { Route } from './route.ts'
import { upstreamFailure } from './upstream-failure.ts'

/** How often a connection that was refused is tried at another instance. */
const maxAttempts = 5

/** How long a client may take to close its connection after a refusal. */
const lingerMs = 5_000

/** The instance does not answer. The code is that of a try of `@sd/undici` that takes too long. */
class ResponseTimeout extends Error {
  readonly code = 'timeout'
}

/** A close frame with the status 1001, going away (RFC 6455, 7.4.1). Servers do not mask frames. */
const goingAway = Buffer.from([0x88, 0x02, 0x03, 0xe9])

/** A response on a socket that Node has detached from its parser. It closes the socket. */
export const responseOn = (request: IncomingMessage, socket: Duplex): ServerResponse => {
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket as never)
  response.once('finish', () => {
    // reads what the client still sends, so that it gets the response whole
    socket.resume().end()
    const timer = setTimeout(() => socket.destroy(), lingerMs).unref()
    socket.once('close', () => clearTimeout(timer))
  })
  return response
}

/**
 * Passes an upgrade to an instance over node:http: undici would turn an instance's refusal (401) into
 * an error. After `101` bytes are passed both ways.
 */
export class Tunnel implements Forwarder {
  readonly #exchange: Exchange
  readonly #route: Route
  readonly #socket: Duplex
  readonly #head: Buffer
  readonly #frames = new FrameBoundary()
  #request: http.ClientRequest | undefined
  #upstream: Duplex | undefined
  #attempts = 0
  #leaving = false

  constructor(exchange: Exchange, route: Route, socket: Duplex, head: Buffer) {
    this.#exchange = exchange
    this.#route = route
    this.#socket = socket
    this.#head = head
  }

  /** Whether bytes are passed. */
  get open(): boolean {
    return this.#upstream !== undefined
  }

  start(trustedHops: number): void {
    const { request, arrival, protocol } = this.#exchange
    const headers = requestHeaders(request.rawHeaders, arrival, {
      trustedHops,
      prefix: this.#route.stripped,
      protocol,
    })
    headers.push('connection', 'upgrade', 'upgrade', request.headers.upgrade as string)
    this.#exchange.started(headers)
    this.#try(headers)
  }

  clientLeft(): void {
    this.#request?.destroy()
  }

  /**
   * Tells the client to connect elsewhere, at the end of the message part that is being sent. What
   * the instance sends afterwards is dropped.
   */
  leave(): void {
    if (this.#leaving || !this.open) return
    this.#leaving = true
    if (this.#frames.between) this.#socket.write(goingAway)
  }

  destroy(): void {
    this.#request?.destroy()
    this.#upstream?.destroy()
    this.#socket.destroy()
  }

  #try(headers: string[]): void {
    const { upstream, options } = this.#route
    this.#attempts += 1
    const secure = options.scheme === 'https'
    const request = (secure ? https : http).request({
      host: upstream.host,
      path: this.#route.pathOf(this.#exchange.request.url as string),
      method: 'GET',
      headers,
      setHost: false,
      agent: secure ? upstream.agent.https : upstream.agent.http,
    })
    this.#request = request
    const { responseMs = 60_000 } = options.timeouts ?? {}
    const late = (): void =>
      void request.destroy(new ResponseTimeout(`no response within ${responseMs} ms`))
    const timer = responseMs > 0 ? setTimeout(late, responseMs) : undefined
    for (const event of ['upgrade', 'response', 'close'])
      request.once(event, () => clearTimeout(timer))
    request.once('upgrade', (response, socket, head) => this.#connect(response, socket, head))
    request.once('response', (response) => this.#relay(response))
    request.once('error', (error) => {
      // not after the response has begun: then the client's connection breaks off
      const failure = upstreamFailure(error, options.service, upstream.heard)
      const again = failure.reason === 'unreachable' && this.#attempts < maxAttempts
      if (again && !this.#socket.destroyed) this.#try(headers)
      else this.#exchange.refuse(failure)
    })
    request.end()
  }

  /** The instance refuses: its response is the client's. */
  #relay(response: IncomingMessage): void {
    const { response: out } = this.#exchange
    const { statusCode = 502, statusMessage = '', rawHeaders } = response
    ;(out as ServerResponse).writeHead(statusCode, statusMessage, responseHeaders(rawHeaders))
    response.on('data', (chunk: Buffer) => {
      this.#exchange.responseBytes += chunk.length
      if (!(out as ServerResponse).write(chunk)) response.pause()
    })
    out.on('drain', () => response.resume())
    response.once('end', () => this.#exchange.end())
    response.once('error', () => this.#exchange.cut())
  }

  #connect(response: IncomingMessage, upstream: Duplex, head: Buffer): void {
    const socket = this.#socket
    if (socket.destroyed) {
      upstream.destroy()
      return
    }
    this.#upstream = upstream
    const { rawHeaders } = response
    const headers = responseHeaders(rawHeaders)
    const lines = ['connection', 'upgrade', 'upgrade', response.headers.upgrade ?? '', ...headers]
    let text = 'HTTP/1.1 101 Switching Protocols\r\n'
    for (let i = 0; i < lines.length; i += 2) text += `${lines[i]}: ${lines[i + 1]}\r\n`
    ;(this.#exchange.response as ServerResponse).detachSocket(socket as never)
    socket.write(`${text}\r\n`, 'latin1')
    this.#exchange.upgraded(response.headers.upgrade ?? '')
    for (const side of [socket, upstream] as (Duplex & { setKeepAlive?: unknown })[])
      if (typeof side.setKeepAlive === 'function') side.setKeepAlive(true, 60_000)
    // each side's end ends the other; half-open tunnels are of no use
    socket.once('close', () => upstream.destroy()).on('error', () => upstream.destroy())
    upstream.once('close', () => socket.end()).on('error', () => socket.destroy())
    upstream.on('data', (chunk: Buffer) => this.#toClient(chunk)).once('end', () => socket.end())
    socket.on('drain', () => upstream.resume())
    if (head.length > 0) this.#toClient(head)
    if (this.#head.length > 0) upstream.write(this.#head)
    socket.on('data', (chunk: Buffer) => {
      this.#exchange.requestBytes += chunk.length
      if (!upstream.write(chunk)) socket.pause()
    })
    upstream.on('drain', () => socket.resume())
    socket.once('end', () => upstream.end())
    socket.resume()
  }

  #toClient(chunk: Buffer): void {
    let passed = chunk
    if (!this.#leaving) this.#frames.pass(chunk)
    else if (this.#frames.between) return
    else passed = chunk.subarray(0, this.#frames.passToEnd(chunk))
    this.#exchange.responseBytes += passed.length
    const room = this.#socket.write(passed)
    if (this.#leaving && this.#frames.between) this.#socket.write(goingAway)
    if (!room) this.#upstream?.pause()
  }
}

/** Why an upgrade is refused; `undefined`: it may be passed. */
export const upgradeProblem = ({ headers, method }: IncomingMessage): Refusal | undefined => {
  if (method !== 'GET' || headers['content-length'] !== undefined || 'transfer-encoding' in headers)
    return refusal('bad-request', 'an upgrade is a GET without a body')
  return undefined
}
