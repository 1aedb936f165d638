import type { DescMethod } from '@bufbuild/protobuf'
import { Code, ConnectError, type Transport } from '@connectrpc/connect'
import type { Pick } from '@sd/balancer'
import { callFailure } from '../call-failures.ts'
import type { PublishedCall } from '../published-call.ts'
import { CallAttempt, currentAttempt } from './call-attempt.ts'
import type { ServiceConnections } from './service-connections.ts'
import type { TransportSettings } from './transport-options.ts'

/** The argument of the global `Headers`. */
export type CallHeader = ConstructorParameters<typeof Headers>[0]

/** One call with all its attempts. */
export interface ServiceCall<T> {
  readonly method: DescMethod
  readonly signal: AbortSignal | undefined
  readonly timeoutMs: number | undefined
  readonly header: CallHeader
  /** Set if the progress of the call is published. */
  readonly published: PublishedCall | undefined
  /** Whether another attempt would send the same messages. */
  readonly repeatable: () => boolean
  /** Runs one attempt. `timeoutMs`: what is left of the call's timeout. */
  run(transport: Transport, timeoutMs: number | undefined): Promise<T>
}

/** The result of an answered attempt. */
export interface Answer<T> {
  readonly value: T
  readonly pick: Pick
  readonly attempt: CallAttempt
  readonly latencyMs: number
}

/**
 * Converts an error for callers: Connect reports a lost connection as Canceled or Aborted, although
 * nothing was canceled, and a certificate that does not match as Internal.
 */
export const describeFailure = (error: unknown, attempt: CallAttempt, pick: Pick): ConnectError => {
  const failure = ConnectError.from(error)
  const { instance, endpoint } = pick
  const unavailable = (what: string): ConnectError =>
    new ConnectError(
      `${what}: ${failure.rawMessage}`,
      Code.Unavailable,
      undefined,
      undefined,
      error,
    )
  const { Aborted, Canceled, Internal, Unknown } = Code
  if (attempt.unopened) return unavailable(`cannot connect to ${instance.id} at ${endpoint}`)
  if (attempt.lost && [Aborted, Canceled, Internal, Unknown].includes(failure.code))
    return unavailable(`the connection to ${instance.id} at ${endpoint} was lost`)
  return failure
}

/**
 * Runs calls on the instances of a service, and repeats them on other instances when that is safe.
 */
export class CallRunner {
  readonly #connections: ServiceConnections
  readonly #settings: TransportSettings

  constructor(connections: ServiceConnections, settings: TransportSettings) {
    this.#connections = connections
    this.#settings = settings
  }

  async run<T>(call: ServiceCall<T>): Promise<Answer<T>> {
    const { signal, timeoutMs } = call
    const endMs = timeoutMs === undefined ? undefined : performance.now() + timeoutMs
    const leftMs = (): number | undefined => endMs && Math.max(1, endMs - performance.now())
    await this.#told(signal, timeoutMs)
    const { key, retryBudget, maxAttempts, isIdempotent } = this.#settings
    const keyValue =
      key === undefined ? undefined : (new Headers(call.header).get(key) ?? undefined)
    const tried = new Set<string>()
    let last: ConnectError | undefined
    retryBudget.deposit()
    for (let processed = 0; ;) {
      const { pick, connection } = this.#pick(keyValue, tried, last)
      call.published?.picked(pick.instance.id, pick.endpoint)
      const attempt = new CallAttempt()
      const beganMs = performance.now()
      try {
        const value = await currentAttempt.run(attempt, () =>
          call.run(connection.transport, leftMs()),
        )
        this.#connections.succeeded(pick.instance.id)
        return { value, pick, attempt, latencyMs: performance.now() - beganMs }
      } catch (error) {
        const failure = (last = describeFailure(error, attempt, pick))
        const ended = signal?.aborted === true || failure.code === Code.DeadlineExceeded
        pick.done({
          error: signal?.aborted ? undefined : callFailure(failure.code, failure.message),
        })
        tried.add(pick.instance.id)
        if (attempt.unopened && !ended) this.#connections.failed(pick.instance.id)
        if (ended || !call.repeatable()) throw failure
        if (attempt.unprocessed) continue
        processed += 1
        const passing = attempt.lost || failure.code === Code.Unavailable
        if (!passing || !isIdempotent(call.method)) throw failure
        if (processed >= maxAttempts || !retryBudget.withdraw()) throw failure
      }
    }
  }

  #pick(
    key: string | undefined,
    tried: ReadonlySet<string>,
    last: ConnectError | undefined,
  ): ReturnType<ServiceConnections['pick']> {
    try {
      return this.#connections.pick(key, tried)
    } catch (error) {
      // all instances were tried: the last failure is more useful
      throw last ?? error
    }
  }

  /** Waits for the registry's first report, within the call's own timeout. */
  async #told(signal: AbortSignal | undefined, timeoutMs: number | undefined): Promise<void> {
    if (this.#connections.isTold) return
    const bounds = [
      ...(signal === undefined ? [] : [signal]),
      ...(timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)]),
    ]
    const bound = AbortSignal.any(bounds)
    const ended = Promise.withResolvers<never>()
    const end = (): void =>
      ended.reject(
        signal?.aborted === true
          ? ConnectError.from(signal.reason, Code.Canceled)
          : new ConnectError('the registry has not answered yet', Code.DeadlineExceeded),
      )
    if (bound.aborted) end()
    bound.addEventListener('abort', end, { once: true })
    try {
      await Promise.race([this.#connections.told(), ended.promise])
    } finally {
      bound.removeEventListener('abort', end)
    }
  }
}
