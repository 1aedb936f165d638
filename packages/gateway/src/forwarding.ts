import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { Dispatcher } from 'undici'
import type { Exchange, Forwarder } from './exchange.ts'
import { refusal } from './problem.ts'
import { type BodyListener, RequestBody } from './request-body.ts'
import { requestHeaders } from './request-headers.ts'
import { responseHeaders } from './response-headers.ts'
import type { Route } from './route.ts'
import { upstreamFailure } from './upstream-failure.ts'
import { addTrailers, writeHead } from './write-head.ts'

const hasBody = ({ request }: Exchange): boolean => {
  const { headers, httpVersionMajor } = request
  const length = headers['content-length']
  if (length !== undefined) return length !== '0'
  return httpVersionMajor === 2 ? !request.complete : headers['transfer-encoding'] !== undefined
}

const flushHead = (forwarding: Forwarding): void => forwarding.flushHead()

/** Passes one request to an instance, and its response to the client, both as streams. */
export class Forwarding implements Forwarder, Dispatcher.DispatchHandler, BodyListener {
  readonly #exchange: Exchange
  readonly #route: Route
  readonly #continues: boolean
  #controller: Dispatcher.DispatchController | undefined
  #body: RequestBody | undefined
  /** How long the response's body is, if the instance says so. */
  #length: number | undefined
  /** The end of a body whose length is known: it goes out together with the end of the response. */
  #last: Buffer | undefined
  #ended = false
  /** Set while the instance waits for the client. */
  #onDrain: (() => void) | undefined

  /** `continues`: the client waits for `100 Continue`. */
  constructor(exchange: Exchange, route: Route, continues: boolean) {
    this.#exchange = exchange
    this.#route = route
    this.#continues = continues
  }

  start(trustedHops: number): void {
    const { request, arrival, protocol } = this.#exchange
    const { maxBodyBytes } = this.#route.options
    const headers = requestHeaders(request.rawHeaders, arrival, {
      trustedHops,
      prefix: this.#route.stripped,
      protocol,
    })
    if (hasBody(this.#exchange)) this.#body = new RequestBody(request, maxBodyBytes, this)
    this.#exchange.started(headers)
    this.#route.upstream.dispatch(
      {
        origin: this.#route.upstream.origin,
        path: this.#route.pathOf(request.url as string),
        method: request.method as Dispatcher.HttpMethod,
        headers,
        body: this.#body ?? null,
      },
      this,
    )
  }

  clientLeft(): void {
    this.#abort(new Error('the client has left'))
  }

  bodyWanted(): void {
    const { response } = this.#exchange
    if (this.#continues && !response.headersSent) (response as ServerResponse).writeContinue()
  }

  bodyTooLarge(): void {
    const { service, maxBodyBytes } = this.#route.options
    const detail = `the body is larger than ${maxBodyBytes} bytes`
    this.#abort(new Error(detail))
    this.#exchange.refuse(refusal('body-too-large', detail, service))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
    statusText?: string,
  ): void {
    if (this.#ended) return
    const { response } = this.#exchange
    if (status < 200) {
      this.#passEarlyHints(status, headers)
      return
    }
    writeHead(
      response,
      status,
      statusText,
      responseHeaders((controller.rawHeaders ?? []) as Buffer[]),
    )
    const length = headers['content-length']
    // beside chunks it means nothing
    if (length !== undefined && headers['transfer-encoding'] === undefined)
      this.#length = Number(length)
    process.nextTick(flushHead, this)
  }

  /** Sends the head before the body if that does not come with it: events may be long in coming. */
  flushHead(): void {
    if (this.#ended || this.#exchange.responseBytes > 0) return
    ;(this.#exchange.response as ServerResponse).flushHeaders()
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#ended) return
    this.#exchange.responseBytes += chunk.length
    if (this.#exchange.responseBytes === this.#length) {
      this.#last = chunk
      return
    }
    const response = this.#exchange.response as ServerResponse
    // most responses fit: no listener for them
    if (response.write(chunk) || controller.paused) return
    controller.pause()
    this.#onDrain = () => controller.resume()
    response.once('drain', this.#onDrain)
  }

  onResponseEnd(controller: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    if (this.#ended) return
    this.#finish()
    const { response } = this.#exchange
    if (Object.keys(trailers).length > 0)
      addTrailers(response, responseHeaders((controller.rawTrailers ?? []) as Buffer[]))
    this.#exchange.end(this.#last)
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.#ended) return
    this.#finish()
    const { upstream, options } = this.#route
    this.#exchange.refuse(upstreamFailure(error, options.service, upstream.heard))
  }

  /** Only `103 Early Hints` is meant for the client; HTTP/1.0 has no such responses. */
  #passEarlyHints(status: number, headers: IncomingHttpHeaders): void {
    const { response, protocol } = this.#exchange
    if (status !== 103 || protocol === '1.0' || headers['link'] === undefined) return
    try {
      ;(response as ServerResponse).writeEarlyHints({ link: headers['link'] })
    } catch {
      // Node refuses a malformed Link header; the final response has it as well
    }
  }

  #abort(reason: Error): void {
    if (this.#ended) return
    this.#finish()
    this.#controller?.abort(reason)
  }

  #finish(): void {
    this.#ended = true
    this.#exchange.requestBytes = this.#body?.bytes ?? 0
    if (this.#onDrain !== undefined) this.#exchange.response.off('drain', this.#onDrain)
  }
}
