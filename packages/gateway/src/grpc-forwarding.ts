import type { ServerResponse } from 'node:http'
import {
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2'
import type { Exchange, Forwarder } from './exchange.ts'
import type { GrpcConnection } from './grpc-upstream.ts'
import { refusal } from './problem.ts'
import { type BodyListener, RequestBody } from './request-body.ts'
import { requestHeaders } from './request-headers.ts'
import { responseHeaders } from './response-headers.ts'
import type { Route } from './route.ts'
import { upstreamFailure } from './upstream-failure.ts'
import { addTrailers, byName, setHead, writeHead } from './write-head.ts'

/** How much of the messages is kept for an instance that refuses the stream unprocessed. */
const replayBytes = 65_536
const maxAttempts = 5

/** A flat list of the headers or trailers of HTTP/2, without pseudo headers. */
const flatten = (headers: IncomingHttpHeaders): string[] =>
  Object.entries(headers).flatMap(([name, value]) =>
    name.startsWith(':') || value === undefined
      ? []
      : [value].flat().flatMap((part) => [name, part]),
  )

/**
 * Passes one gRPC call to an instance over HTTP/2, with messages both ways and trailers. A stream
 * that the instance refuses unprocessed (GOAWAY, REFUSED_STREAM: RFC 9113, 8.7) goes to another one.
 */
export class GrpcForwarding implements Forwarder, BodyListener {
  readonly #exchange: Exchange
  readonly #route: Route
  readonly #body: RequestBody
  /** What an instance has got; `undefined`: too much to send it again. */
  #kept: Buffer[] | undefined = []
  #keptBytes = 0
  #bodyEnded = false
  #stream: ClientHttp2Stream | undefined
  #attempts = 0
  #ended = false

  constructor(exchange: Exchange, route: Route) {
    this.#exchange = exchange
    this.#route = route
    this.#body = new RequestBody(exchange.request, route.options.maxBodyBytes, this)
  }

  start(trustedHops: number): void {
    const { request, arrival, protocol } = this.#exchange
    const flat = requestHeaders(request.rawHeaders, arrival, {
      trustedHops,
      prefix: this.#route.stripped,
      protocol,
    })
    this.#exchange.started(flat)
    const { host, ...headers } = byName(flat)
    const { service, scheme } = this.#route.options
    const head: OutgoingHttpHeaders = {
      ':method': 'POST',
      ':scheme': scheme,
      ':path': this.#route.pathOf(request.url as string),
      ':authority': host ?? service,
      te: 'trailers',
      ...headers,
    }
    this.#body
      .on('data', (chunk: Buffer) => this.#send(chunk))
      .once('end', () => {
        this.#bodyEnded = true
        this.#stream?.end()
      })
    this.#body.pause()
    void this.#try(head)
  }

  clientLeft(): void {
    this.#end(constants.NGHTTP2_CANCEL)
  }

  bodyWanted(): void {}

  bodyTooLarge(): void {
    const { service, maxBodyBytes } = this.#route.options
    this.#end(constants.NGHTTP2_CANCEL)
    const detail = `the body is larger than ${maxBodyBytes} bytes`
    this.#exchange.refuse(refusal('body-too-large', detail, service))
  }

  async #try(head: OutgoingHttpHeaders): Promise<void> {
    const { upstream, options } = this.#route
    this.#attempts += 1
    try {
      const { keyHeader } = options
      const key = keyHeader === undefined ? undefined : head[keyHeader.toLowerCase()]
      const target = await upstream.grpc.connect(key === undefined ? undefined : String(key))
      if (!this.#ended && target.connection.usable) {
        this.#open(target, head)
        return
      }
      // the settings of an instance that is leaving may come with its GOAWAY
      const error = this.#ended ? undefined : new Error('the connection closed when it was open')
      target.pick.done({ error })
      target.connection.release()
      if (error !== undefined) this.#repeat(head, error)
    } catch (error) {
      if (this.#ended) return
      this.#end(constants.NGHTTP2_CANCEL)
      this.#exchange.refuse(upstreamFailure(error, options.service, upstream.heard))
    }
  }

  #open({ pick, connection }: GrpcConnection, head: OutgoingHttpHeaders): void {
    const began = performance.now()
    const { response } = this.#exchange
    this.#exchange.picked(pick)
    const stream = connection.request(head)
    this.#stream = stream
    let [responded, whole] = [false, false]
    let failure: unknown
    stream.once('response', (headers, flags) => {
      if (this.#ended) return
      responded = true
      this.#kept = undefined
      this.#noteStatus(headers)
      const [code, flat] = [headers[':status'] ?? 200, responseHeaders(flatten(headers))]
      // a call that fails at once has its status in the head
      if ((flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0) setHead(response, code, byName(flat))
      else writeHead(response, code, undefined, flat)
    })
    stream.on('data', (chunk: Buffer) => {
      if (this.#ended) return
      this.#exchange.responseBytes += chunk.length
      if (!(response as ServerResponse).write(chunk)) stream.pause()
    })
    const onDrain = (): void => void stream.resume()
    response.on('drain', onDrain)
    stream.once('trailers', (trailers) => {
      this.#noteStatus(trailers)
      if (!this.#ended) addTrailers(response, responseHeaders(flatten(trailers)))
    })
    stream.once('end', () => (whole = responded))
    stream.on('error', (error) => (failure = error))
    stream.on('drain', () => this.#body.resume())
    stream.once('close', () => {
      response.off('drain', onDrain)
      const broken = whole ? undefined : (failure ?? new Error('the stream was closed'))
      const unavailable = this.#exchange.grpcStatus === 14 ? 'UNAVAILABLE' : undefined
      pick.done({ error: broken ?? unavailable, latencyMs: performance.now() - began })
      if (this.#ended) return
      if (whole) {
        this.#end(constants.NGHTTP2_NO_ERROR)
        this.#exchange.end()
      } else this.#recover(connection.leftUnprocessed(stream), broken, head)
    })
    for (const chunk of this.#kept ?? []) stream.write(chunk)
    if (this.#bodyEnded) stream.end()
    else this.#body.resume()
  }

  /** Sends the call to another instance, if the first one has not processed it. */
  #recover(unprocessed: boolean, error: unknown, head: OutgoingHttpHeaders): void {
    // what comes until another one is reached waits: only so much is kept
    this.#body.pause()
    this.#stream = undefined
    if (unprocessed && this.#kept !== undefined) this.#repeat(head, error)
    else this.#fail(error)
  }

  #repeat(head: OutgoingHttpHeaders, error: unknown): void {
    if (this.#attempts < maxAttempts) void this.#try(head)
    else this.#fail(error)
  }

  #send(chunk: Buffer): void {
    if (this.#kept !== undefined) {
      this.#keptBytes += chunk.length
      if (this.#keptBytes > replayBytes) this.#kept = undefined
      else this.#kept.push(chunk)
    }
    const stream = this.#stream
    if (stream === undefined || stream.destroyed || stream.writableEnded) return
    if (!stream.write(chunk)) this.#body.pause()
  }

  #noteStatus(headers: IncomingHttpHeaders): void {
    const status = headers['grpc-status']
    if (status !== undefined) this.#exchange.grpcStatus = Number(status)
  }

  #fail(error: unknown): void {
    const { upstream, options } = this.#route
    this.#end(constants.NGHTTP2_CANCEL)
    this.#exchange.refuse(upstreamFailure(error, options.service, upstream.heard))
  }

  #end(code: number): void {
    if (this.#ended) return
    this.#ended = true
    this.#exchange.requestBytes = this.#body.bytes
    this.#body.destroy()
    if (this.#stream !== undefined && !this.#stream.closed) this.#stream.close(code)
  }
}
