import type { IncomingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Attempt } from './attempt.ts'
import type { Dispatcher } from './undici.ts'

/**
 * The caller's side of a call: its handler, and one controller for all tries. An error thrown by
 * the handler aborts the call, as in undici.
 */
export class Downstream implements Dispatcher.DispatchController {
  readonly #handler: Dispatcher.DispatchHandler
  readonly #onAbort: (reason: Error) => void
  /** The try whose response is delivered; before that, the latest try. */
  target: Attempt | undefined
  #aborted = false
  #paused = false
  #reason: Error | null = null
  #bodyBytes = 0
  #requestSent = false

  constructor(handler: Dispatcher.DispatchHandler, onAbort: (reason: Error) => void) {
    this.#handler = handler
    this.#onAbort = onAbort
  }

  get aborted(): boolean {
    return this.#aborted
  }
  get paused(): boolean {
    return this.#paused
  }
  get reason(): Error | null {
    return this.#reason
  }
  get rawHeaders(): NonNullable<Dispatcher.DispatchController['rawHeaders']> | null {
    return this.target?.controller?.rawHeaders ?? null
  }
  get rawTrailers(): NonNullable<Dispatcher.DispatchController['rawTrailers']> | null {
    return this.target?.controller?.rawTrailers ?? null
  }

  abort(reason: Error): void {
    if (this.#aborted) return
    this.#aborted = true
    this.#reason = reason
    this.#onAbort(reason)
  }
  pause(): void {
    this.#paused = true
    this.target?.controller?.pause()
  }
  resume(): void {
    this.#paused = false
    this.target?.controller?.resume()
  }

  /** Follows a try. If the caller has paused, pauses the try as well. */
  follow(attempt: Attempt): void {
    this.target = attempt
    if (this.#paused) attempt.controller?.pause()
  }

  start(): void {
    try {
      this.#handler.onRequestStart?.(this, {})
    } catch (error) {
      this.abort(error as Error)
    }
  }
  response(statusCode: number, headers: IncomingHttpHeaders, statusText: string | undefined): void {
    try {
      this.#handler.onResponseStart?.(this, statusCode, headers, statusText)
    } catch (error) {
      this.abort(error as Error)
    }
  }
  data(chunk: Buffer): void {
    try {
      this.#handler.onResponseData?.(this, chunk)
    } catch (error) {
      this.abort(error as Error)
    }
  }
  end(trailers: IncomingHttpHeaders): void {
    try {
      this.#handler.onResponseEnd?.(this, trailers)
    } catch (error) {
      this.fail(error as Error)
    }
  }
  upgrade(statusCode: number, headers: IncomingHttpHeaders, socket: Duplex): void {
    this.#handler.onRequestUpgrade?.(this, statusCode, headers, socket)
  }
  fail(error: Error): void {
    this.#handler.onResponseError?.(this, error)
  }

  /**
   * `sentBytes`: bytes sent by this try. Bytes that an earlier try reported are not reported again.
   */
  bodySent(chunk: Buffer, sentBytes: number): void {
    const fresh = sentBytes - this.#bodyBytes
    if (fresh <= 0) return
    this.#bodyBytes = sentBytes
    this.#handler.onBodySent?.(fresh < chunk.length ? chunk.subarray(chunk.length - fresh) : chunk)
  }
  requestSent(): void {
    if (this.#requestSent) return
    this.#requestSent = true
    this.#handler.onRequestSent?.()
  }
  responseStarted(): void {
    this.#handler.onResponseStarted?.()
  }
}
