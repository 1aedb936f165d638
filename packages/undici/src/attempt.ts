import type { IncomingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Pick } from '@sd/balancer'
import type { PoolEntry } from './endpoint.ts'
import { type Dispatcher, errors } from './undici.ts'

/** What a try tells its call. */
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

// an answer that was read but is not wanted: shorter than this, its connection can be used again
const maxDiscardedBytes = 65_536
const maxDiscardMs = 1_000

const unwanted = (): Error => new errors.RequestAbortedError('the response is not wanted')

/**
 * One try: the request at the pool of one instance. undici calls `onRequestStart` right before it writes
 * the first byte (`writeH1`, `writeH2`), so a try without it has sent nothing.
 */
export class Attempt implements Dispatcher.DispatchHandler {
  readonly pick: Pick
  /** From 1. */
  readonly number: number
  readonly startedMs: number = performance.now()
  /** Something may have been sent. */
  sent = false
  /** From the pick to the response's headers; known once they arrived. */
  latencyMs: number | undefined
  /** What the instance did wrong, as the balancer is told. */
  failure: unknown
  /** Bytes of the request's body that were written. */
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

  /** Hands the request to the pool; whether the pool takes another one. */
  dispatch(options: Dispatcher.DispatchOptions): boolean {
    return this.#entry.pool.dispatch(options, this)
  }

  /** Calls back unless the response's headers arrive in time. */
  limit(timeoutMs: number, expired: () => void): void {
    this.#timer = setTimeout(expired, timeoutMs)
  }

  /** The response is the one that is wanted: no limit any more. */
  accept(): void {
    clearTimeout(this.#timer)
  }

  /** Gives the try up: nothing of it reaches the call any more. `failure`: what the instance did wrong. */
  cancel(reason: Error, failure?: Error): void {
    if (this.#state === 'over') return
    this.#finish(failure)
    this.controller?.abort(reason)
  }

  /** Has the response read to its end unseen, so that the connection stays; a long one is given up. */
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
    // thrown from here, undici drops the request and keeps the connection; aborting would close it
    if (this.#state === 'over') throw new errors.RequestAbortedError('given up while it was queued')
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
