import {
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2'
import { detailsOf, GrpcError, type GrpcStatus, statusOf, statusOfHttp } from './grpc-error.ts'
import type { Headers, Link } from './link.ts'
import { troubleOf } from './link-trouble.ts'
import { MessageFrames } from './message-frames.ts'

/** Callbacks of a call. None is called after `cancel` or `ended`. */
export interface CallEvents {
  /** A message, without its prefix. Whatever it throws ends the call as `INTERNAL`. */
  message(bytes: Buffer): void
  /** The call is over: with status `OK`, or with an error. */
  ended(error: GrpcError | undefined): void
}

type ResponseHeaders = IncomingHttpHeaders & IncomingHttpStatusHeader

/** One gRPC call over HTTP/2 (`doc/PROTOCOL-HTTP2.md` of grpc). */
export class GrpcCall {
  readonly #link: Link
  readonly #events: CallEvents
  readonly #frames = new MessageFrames()
  #stream: ClientHttp2Stream | undefined
  /** What is sent before the connection is ready. */
  #early: Buffer[] = []
  #isLastSent = false
  /** Whether the server has ended its side. */
  #answered = false
  #over = false

  /** Calls no callback before it returns. */
  constructor(link: Link, headers: Headers, events: CallEvents) {
    this.#link = link
    this.#events = events
    link.hold(this.#lost)
    link.whenReady(() => this.#begin(headers))
  }

  /** Sends a message that has its prefix. */
  write(frame: Buffer): void {
    if (this.#stream) this.#stream.write(frame)
    else this.#early.push(frame)
  }

  /** Sends the last message. */
  end(frame: Buffer): void {
    this.#isLastSent = true
    if (this.#stream) this.#stream.end(frame)
    else this.#early.push(frame)
  }

  /** Cancels it, also at the server. Does nothing to a call that is over. */
  cancel(): void {
    if (!this.#over) this.#finish()
  }

  readonly #lost = (why: string): void => this.#fail('UNAVAILABLE', why)

  #begin(headers: Headers): void {
    if (this.#over) return
    let stream: ClientHttp2Stream
    try {
      stream = this.#link.request(headers)
    } catch (error) {
      // it may be in the constructor
      process.nextTick(() => this.#fail('UNAVAILABLE', troubleOf(error), error))
      return
    }
    this.#stream = stream
    stream.on('response', (received) => this.#began(stream, received))
    stream.on('data', (chunk: Buffer) => this.#received(chunk))
    stream.on('trailers', (received) => this.#trailers(stream, received))
    stream.on('error', (error) => this.#fail('UNAVAILABLE', troubleOf(error), error))
    stream.on('close', () => this.#closed(stream))
    for (const frame of this.#early) stream.write(frame)
    this.#early = []
    if (this.#isLastSent) stream.end()
  }

  #began(stream: ClientHttp2Stream, headers: ResponseHeaders): void {
    this.#link.heard()
    const httpStatus = headers[':status'] ?? 0
    // a refusal may have no data, and its status here
    if (headers['grpc-status'] !== undefined) this.#trailers(stream, headers)
    else if (httpStatus !== 200)
      this.#fail(statusOfHttp(httpStatus), `the host answered with the HTTP status ${httpStatus}`)
    else if (!headers['content-type']?.startsWith('application/grpc'))
      this.#fail(
        'UNKNOWN',
        `the host answered with ${headers['content-type'] ?? 'no type'}, not gRPC`,
      )
  }

  #received(chunk: Buffer): void {
    if (this.#over) return
    this.#link.heard()
    try {
      for (const message of this.#frames.push(chunk)) {
        // an earlier message may have ended the call
        if (this.#over) return
        this.#events.message(message)
      }
    } catch (error) {
      this.#fail('INTERNAL', error instanceof Error ? error.message : String(error), error)
    }
  }

  #trailers(stream: ClientHttp2Stream, headers: IncomingHttpHeaders): void {
    this.#answered = true
    const { status, details } = this.#statusIn(headers)
    const settle = (): void => (status === 'OK' ? this.#succeed() : this.#fail(status, details))
    // data that arrived earlier may still be in the stream's buffer
    if (stream.readableLength === 0) settle()
    else stream.once('end', settle)
  }

  #statusIn(headers: IncomingHttpHeaders): { status: GrpcStatus; details: string } {
    const code = headers['grpc-status']
    return code === undefined
      ? { status: 'UNKNOWN', details: 'the answer ended without a status' }
      : {
          status: statusOf(String(code)),
          details: detailsOf(String(headers['grpc-message'] ?? '')),
        }
  }

  #closed({ rstCode }: ClientHttp2Stream): void {
    const { end } = this.#link
    if (end !== undefined) this.#fail('UNAVAILABLE', end)
    else if (rstCode === constants.NGHTTP2_CANCEL)
      this.#fail('CANCELLED', 'the server cancelled the call')
    else this.#fail('UNAVAILABLE', `the call ended without a status (HTTP/2 code ${rstCode})`)
  }

  #succeed(): void {
    if (this.#over) return
    if (this.#frames.isPartial) return this.#fail('INTERNAL', 'the answer ended within a message')
    this.#finish()
    this.#events.ended(undefined)
  }

  #fail(status: GrpcStatus, details: string, cause?: unknown): void {
    if (this.#over) return
    this.#finish()
    this.#events.ended(new GrpcError(status, this.#link.endpoint, details, cause))
  }

  /** Takes the call off the link, and ends the request. The stream's later events are ignored. */
  #finish(): void {
    this.#over = true
    if (!this.#answered || !this.#isLastSent) this.#stream?.close(constants.NGHTTP2_CANCEL)
    this.#link.release(this.#lost)
  }
}
