import type { IncomingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Pick } from '@sd/balancer'
import { Attempt, type AttemptOwner } from './attempt.ts'
import {
  attemptFailure,
  callTimeout,
  type CallFacts,
  pickFailure,
  TryTimeout,
} from './call-failure.ts'
import type { CallRequest } from './dispatcher-options.ts'
import { Downstream } from './downstream.ts'
import { isBlameless } from './failure.ts'
import { Hedging } from './hedging.ts'
import { headerValue, withHeader, withHost } from './host-header.ts'
import { InstanceChoice } from './instance-choice.ts'
import type { Endpoint } from './endpoint.ts'
import type { InstancePools } from './instance-pools.ts'
import { RequestBody } from './request-body.ts'
import { publishRequest, requestChannel } from './request-events.ts'
import { Repetition } from './repetition.ts'
import type { ServiceAddress } from './service-address.ts'
import type { ServiceRoute } from './service-route.ts'
import type { Dispatcher } from './undici.ts'

/** The options that undici's dispatchers accept beyond those in its types. */
export interface CallOptions extends Dispatcher.DispatchOptions {
  readonly servername?: string
  readonly allowH2?: boolean
}

/** The context of a call. */
export interface CallPlace {
  readonly route: ServiceRoute<InstancePools>
  readonly address: ServiceAddress
  /** For callers without HTTP/2. */
  readonly http1: boolean
  /** Called once when the call has ended. An upgraded connection may still be open. */
  readonly ended: () => void
}

// stateless, so all calls without a body share it
const noBody = new RequestBody(null, undefined)

/**
 * One request to a service, with all its tries. The caller sees one start, one controller, at most
 * one response and one end.
 *
 * A try that sent nothing is repeated for any method. A try that was sent is repeated within the
 * budget if the method is idempotent and the body can be read again. Nothing is repeated once the
 * final response's headers have reached the caller.
 */
export class ServiceCall implements AttemptOwner, CallFacts, CallRequest {
  readonly route: ServiceRoute<InstancePools>
  readonly method: string
  readonly path: string
  attempts = 0
  readonly #address: ServiceAddress
  readonly #http1: boolean
  readonly #ended: () => void
  readonly #options: CallOptions
  headers: Dispatcher.DispatchOptions['headers']
  readonly #downstream: Downstream
  readonly #choice: InstanceChoice
  readonly #body: RequestBody
  readonly #repetition: Repetition
  readonly #hedging: Hedging | undefined
  #state: 'open' | 'answered' | 'ended' = 'open'
  /** Tries under way: one, or two while hedging. */
  #running: Attempt[] = []
  #last: { readonly attempt: Attempt; readonly error: Error } | undefined
  #poolReady = true
  #stopWaiting: (() => void) | undefined
  #waitTimer: NodeJS.Timeout | undefined
  #callTimer: NodeJS.Timeout | undefined
  #pauseTimer: NodeJS.Timeout | undefined

  constructor(place: CallPlace, options: CallOptions, handler: Dispatcher.DispatchHandler) {
    const { route, address } = place
    const { hedgeDelayMs, replayBytes } = route.settings
    const { method, path, body } = options
    this.route = route
    this.method = method
    this.path = path
    this.#address = address
    this.#http1 = place.http1 || options.allowH2 === false
    this.#ended = place.ended
    this.#options = options
    this.headers = withHost(options.headers, address.host)
    this.#downstream = new Downstream(handler, (reason) => this.#fail(reason))
    this.#choice = new InstanceChoice(route, address.scheme, this)
    this.#repetition = new Repetition(route.settings, route.budget, options)
    if (hedgeDelayMs > 0 && this.repeatable) this.#hedging = new Hedging(hedgeDelayMs)
    this.#body =
      body === undefined || body === null
        ? noBody
        : new RequestBody(body, this.repeatable ? replayBytes : undefined)
  }

  get service(): string {
    return this.route.service
  }
  /** Whether a request that was sent may be sent again. */
  get repeatable(): boolean {
    return this.#repetition.allowed
  }

  /** Starts the call. Returns whether the pool accepts another request, as `dispatch` does. */
  start(): boolean {
    // immediately, so that the caller can abort while connecting
    this.#downstream.start()
    if (this.#state === 'ended') return true
    const { route } = this
    const { callMs, discoveryMs } = route.settings
    route.used = true
    route.budget.deposit()
    if (requestChannel.hasSubscribers) this.#publishStart()
    if (callMs > 0) this.#callTimer = setTimeout(() => this.#expire(callMs), callMs)
    if (route.ready) this.#next()
    else {
      this.#stopWaiting = route.whenReady(() => {
        clearTimeout(this.#waitTimer)
        this.#next()
      })
      if (discoveryMs > 0)
        this.#waitTimer = setTimeout(() => this.#fail(route.unheard()), discoveryMs)
    }
    return this.#poolReady
  }

  blames(error: Error): boolean {
    return !isBlameless(error) && error !== this.#body.failure
  }

  attemptStarted(attempt: Attempt): void {
    const { refusals } = this.route
    if (refusals.any) refusals.forget(attempt.pick.instance.id)
    if (attempt === this.#downstream.target) this.#downstream.follow(attempt)
  }

  attemptResponse(
    attempt: Attempt,
    statusCode: number,
    headers: IncomingHttpHeaders,
    statusText: string | undefined,
  ): void {
    if (statusCode >= 200 && this.#state === 'open') {
      attempt.latencyMs = performance.now() - attempt.startedMs
      if (statusCode >= 500) attempt.failure = statusCode
      if (this.#replace(attempt, statusCode)) return
      this.#accept(attempt)
      if (requestChannel.hasSubscribers)
        publishRequest(this, 'response', attempt, {
          status: statusCode,
          latencyMs: attempt.latencyMs,
        })
    }
    this.#downstream.response(statusCode, headers, statusText)
  }

  attemptData(_attempt: Attempt, chunk: Buffer): void {
    this.#downstream.data(chunk)
  }

  attemptEnd(attempt: Attempt, trailers: IncomingHttpHeaders): void {
    this.#end()
    if (requestChannel.hasSubscribers) publishRequest(this, 'end', attempt, {})
    this.#downstream.end(trailers)
  }

  attemptFailed(attempt: Attempt, error: Error): void {
    this.#running = this.#running.filter((other) => other !== attempt)
    this.#last = { attempt, error }
    const unreached = !attempt.sent && this.blames(error)
    const { id } = attempt.pick.instance
    this.#choice.tried(id, unreached)
    // a try that timed out in the queue says nothing about connections
    if (unreached && !(error instanceof TryTimeout)) this.route.refusals.refused(id)
    // the other try is still under way
    if (this.#state === 'open' && this.#running.length > 0) return
    if (this.#state !== 'open' || !this.#mayRepeat(attempt, error))
      this.#fail(this.#failure(attempt, error))
    else if (attempt.sent)
      this.#pauseTimer = setTimeout(() => this.#next(), this.#repetition.pauseMs)
    else this.#next()
  }

  attemptUpgrade(
    attempt: Attempt,
    statusCode: number,
    headers: IncomingHttpHeaders,
    socket: Duplex,
  ): void {
    const { route } = this
    attempt.latencyMs = performance.now() - attempt.startedMs
    route.active += 1
    route.connections.upgraded(socket, () => {
      route.active -= 1
      attempt.upgradeClosed()
    })
    if (requestChannel.hasSubscribers)
      publishRequest(this, 'upgrade', attempt, { status: statusCode })
    this.#downstream.target = attempt
    this.#end()
    this.#downstream.upgrade(statusCode, headers, socket)
  }

  attemptBodySent(attempt: Attempt, chunk: Buffer): void {
    this.#downstream.bodySent(chunk, attempt.bodyBytes)
  }
  attemptRequestSent(): void {
    this.#downstream.requestSent()
  }
  attemptResponseStarted(): void {
    this.#downstream.responseStarted()
  }

  #publishStart(): void {
    const { scheme, host } = this.#address
    publishRequest(this, 'start', undefined, {
      origin: `${scheme}://${host}`,
      headers: {
        get: (name) => headerValue(this.headers, name),
        set: (name, value) => (this.headers = withHeader(this.headers, name, value)),
      },
    })
  }

  /** Begins the first try, or the next after one that failed. */
  #next(): void {
    const last = this.#last
    const { failure } = this.#body
    if (failure !== undefined) return this.#fail(failure)
    let pick: Pick
    try {
      pick = this.#choice.pick(last?.attempt.sent === true)
    } catch (error) {
      this.#fail(
        last === undefined ? pickFailure(this, error) : this.#failure(last.attempt, last.error),
      )
      return
    }
    if (last !== undefined && requestChannel.hasSubscribers)
      publishRequest(this, 'retry', last.attempt, { sent: last.attempt.sent, cause: last.error })
    this.#try(pick)
    if (this.#hedging !== undefined && this.attempts === 1 && this.#state === 'open')
      this.#hedging.watch(() => this.#hedge())
  }

  #try(pick: Pick): void {
    const { connections, settings } = this.route
    const options = this.#options
    const endpoint = connections.endpoint(pick.endpoint)
    const servername = this.#tlsName(endpoint)
    this.attempts += 1
    const attempt = new Attempt(
      this,
      pick,
      connections.lease(endpoint, servername, this.#http1),
      this.attempts,
    )
    this.#running.push(attempt)
    this.#downstream.target = attempt
    if (requestChannel.hasSubscribers) publishRequest(this, 'pick', attempt, {})
    const { tryMs } = settings
    if (tryMs > 0) attempt.limit(tryMs, () => this.#expireTry(attempt, tryMs))
    this.#poolReady = attempt.dispatch({
      ...options,
      origin: endpoint.origin,
      path: endpoint.prefix === '' ? options.path : endpoint.prefix + options.path,
      headers: this.headers,
      body: this.#body.open(),
      servername,
    } as CallOptions)
  }

  #tlsName(endpoint: Endpoint): string {
    const { tlsName } = this.route.settings
    const { host, scheme } = this.#address
    if (scheme === 'http') return host
    if (this.#options.servername !== undefined) return this.#options.servername
    if (tlsName === 'url') return host
    return tlsName === 'endpoint' ? endpoint.hostname : tlsName
  }

  #mayRepeat(attempt: Attempt, error: Error): boolean {
    if (!this.blames(error)) return false
    return attempt.sent
      ? this.#repetition.mayFollowSent(this.#body)
      : this.#repetition.mayFollowUnsent(this.#choice.unreachedSize)
  }

  /**
   * Sends the request elsewhere because of the response's status; `false` if that is not possible.
   */
  #replace(attempt: Attempt, statusCode: number): boolean {
    if (this.#running.length > 1 || !this.#repetition.mayReplace(statusCode, this.#body))
      return false
    const { id } = attempt.pick.instance
    const pick = this.#choice.another(id)
    if (pick === undefined) return false
    this.#repetition.replaced()
    this.#choice.tried(id, false)
    this.#running = []
    attempt.discard(statusCode)
    if (requestChannel.hasSubscribers)
      publishRequest(this, 'retry', attempt, { sent: true, status: statusCode })
    this.#try(pick)
    return true
  }

  /** Sends a second try while the slow first one continues. */
  #hedge(): void {
    const [first] = this.#running
    if (first === undefined || !this.#body.replayable) return
    const pick = this.#choice.another(first.pick.instance.id)
    if (pick === undefined) return
    if (requestChannel.hasSubscribers) publishRequest(this, 'hedge', first, {})
    this.#try(pick)
  }

  /** Delivers this response to the caller. */
  #accept(attempt: Attempt): void {
    this.#state = 'answered'
    this.#clearTimers()
    attempt.accept()
    this.#body.release()
    if (this.#running.length > 1) Hedging.settle(this.#running, attempt)
    this.#running = [attempt]
    this.#downstream.follow(attempt)
  }

  #expireTry(attempt: Attempt, tryMs: number): void {
    const error = new TryTimeout(tryMs)
    attempt.cancel(error, error)
    this.attemptFailed(attempt, error)
  }

  #expire(callMs: number): void {
    const attempt = this.#running[0] ?? this.#last?.attempt
    this.#fail(callTimeout(this, callMs, attempt, this.#last?.error))
  }

  #failure(attempt: Attempt, error: Error): Error {
    // a failed body is the caller's own error
    return error === this.#body.failure ? error : attemptFailure(this, attempt, error)
  }

  #fail(error: Error): void {
    if (this.#state === 'ended') return
    const running = this.#running
    this.#end()
    for (const attempt of running) attempt.cancel(error)
    if (requestChannel.hasSubscribers)
      publishRequest(this, 'error', this.#last?.attempt ?? this.#downstream.target, {
        cause: error,
      })
    this.#downstream.fail(error)
  }

  #end(): void {
    this.#state = 'ended'
    this.#running = []
    this.#clearTimers()
    this.#stopWaiting?.()
    this.#body.close()
    this.#ended()
  }

  #clearTimers(): void {
    clearTimeout(this.#callTimer)
    this.#hedging?.stop()
    clearTimeout(this.#pauseTimer)
    clearTimeout(this.#waitTimer)
  }
}
