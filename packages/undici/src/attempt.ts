import type { IncomingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Pick } from '@sd/balancer'
import type { PoolEntry } from './endpoint.ts'
import { type Dispatcher, errors } from './undici.ts'

/** What a try needs from its call. */
export interface AttemptOwner {
  /** Whether an error is the instance's fault. */
  blames(error: Error): boolean
  attemptStarted(attempt: Attempt): void
  attemptResponse(
    attempt: Attempt,
    statusCode: number,
    headers: IncomingHttpHeaders,
    statusText: string | undefined,
  ): void
  attemptData(attempt: Attempt, chunk: Buffer): void
  attemptEnd(attempt: Attempt, trailers: IncomingHttpHeaders): void
  attemptFailed(attempt: Attempt, error: Error): void
  attemptUpgrade(
    attempt: Attempt,
    statusCode: number,
    headers: IncomingHttpHeaders,
    socket: Duplex,
  ): void
  attemptBodySent(attempt: Attempt, chunk: Buffer): void
  attemptRequestSent(attempt: Attempt): void
  attemptResponseStarted(attempt: Attempt): void
}

// the connection of an unwanted response is reused if the rest is shorter than this
const maxDiscardedBytes = 65_536
const maxDiscardMs = 1_000

const unwanted = (): Error =>
  new errors.RequestAbortedError('the response is discarded, as the request is retried')

/**
 * One try: the request at the pool of one instance. undici calls `onRequestStart` right before it
 * writes the first byte (`writeH1`, `writeH2`), so without that call nothing was sent.
 */
export class Attempt implements Dispatcher.DispatchHandler {
  readonly pick: Pick
  /** From 1. */
  readonly number: number
  readonly startedMs: number = performance.now()
  /** Whether something may have been sent. */
  sent = false
  /** From the pick to the response's headers; set once they have arrived. */
  latencyMs: number | undefined
  /** The failure to report to the balancer. */
  failure: unknown
  /** Bytes of the request's body written so far. */
  bodyBytes = 0
  controller: Dispatcher.DispatchController | undefined
  readonly #owner: AttemptOwner
  readonly #entry: PoolEntry
  #timer: NodeJS.Timeout | undefined
  #state: 'live' | 'discarded' | 'over' = 'live'
  #discardedBytes = 0

  constructor(owner: AttemptOwner, pick: Pick, entry: PoolEntry, number: number) {
    this.#owner = owner
    this.pick = pick
    this.#entry = entry
    this.number = number
  }

  /** Hands the request to the pool. Returns whether the pool accepts another one. */
  dispatch(options: Dispatcher.DispatchOptions): boolean {
    return this.#entry.pool.dispatch(options, this)
  }

  /** Calls `expired` unless the response's headers arrive in time. */
  limit(timeoutMs: number, expired: () => void): void {
    this.#timer = setTimeout(expired, timeoutMs)
  }

  /** Accepts the response, and stops the timeout. */
  accept(): void {
    clearTimeout(this.#timer)
  }

  /** Gives up the try: it no longer affects the call. `failure`: what the instance did wrong. */
  cancel(reason: Error, failure?: Error): void {
    if (this.#state === 'over') return
    this.#finish(failure)
    this.controller?.abort(reason)
  }

  /**
   * Discards the rest of the response, so that the connection can be reused; aborts if it is long.
   */
  discard(error: unknown): void {
    if (this.#state !== 'live') return
    this.#state = 'discarded'
    clearTimeout(this.#timer)
    this.failure = error
    this.#timer = setTimeout(() => this.cancel(unwanted()), maxDiscardMs).unref()
  }

  /** The upgraded connection has closed. */
  upgradeClosed(): void {
    this.#release()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // after a throw here undici drops the request and keeps the connection; aborting would close it
    if (this.#state === 'over') throw new errors.RequestAbortedError('aborted while it was queued')
    this.controller = controller
    this.sent = true
    this.#owner.attemptStarted(this)
  }

  onRequestUpgrade(
    _controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: IncomingHttpHeaders,
    socket: Duplex,
  ): void {
    if (this.#state !== 'live') {
      socket.destroy()
      return
    }
    this.#state = 'over'
    clearTimeout(this.#timer)
    this.#owner.attemptUpgrade(this, statusCode, headers, socket)
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: IncomingHttpHeaders,
    statusText?: string,
  ): void {
    if (this.#state === 'live') this.#owner.attemptResponse(this, statusCode, headers, statusText)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#state === 'live') this.#owner.attemptData(this, chunk)
    else if (this.#state === 'discarded') {
      this.#discardedBytes += chunk.length
      if (this.#discardedBytes > maxDiscardedBytes) this.cancel(unwanted())
    }
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    const live = this.#state === 'live'
    this.#finish(undefined)
    if (live) this.#owner.attemptEnd(this, trailers)
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    const live = this.#state === 'live'
    this.#finish(live && this.#owner.blames(error) ? error : undefined)
    if (live) this.#owner.attemptFailed(this, error)
  }

  onBodySent(chunk: Buffer): void {
    this.bodyBytes += chunk.length
    if (this.#state === 'live') this.#owner.attemptBodySent(this, chunk)
  }

  onRequestSent(): void {
    if (this.#state === 'live') this.#owner.attemptRequestSent(this)
  }

  onResponseStarted(): void {
    if (this.#state === 'live') this.#owner.attemptResponseStarted(this)
  }

  #finish(failure: unknown): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    clearTimeout(this.#timer)
    this.failure ??= failure
    this.#release()
  }

  #release(): void {
    this.#entry.running -= 1
    const { failure, latencyMs = performance.now() - this.startedMs } = this
    this.pick.done(failure === undefined ? { latencyMs } : { error: failure, latencyMs })
  }
}
