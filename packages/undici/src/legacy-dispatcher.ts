import type { IncomingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'
import { legacyGlobalDispatcher } from './preserved-dispatcher.ts'
import { Dispatcher, getGlobalDispatcher, util } from './undici.ts'

type RawHeaders = readonly (string | Buffer)[]

/** The handler interface of undici 6, which undici 7 still accepts. */
interface LegacyHandler {
  onConnect(abort: (reason?: Error) => void, context: unknown): void
  onUpgrade(statusCode: number, headers: RawHeaders | null, socket: Duplex): void
  onHeaders(
    statusCode: number,
    headers: RawHeaders,
    resume: () => void,
    statusText: string,
  ): boolean
  onData(chunk: Buffer): boolean
  onComplete(trailers: RawHeaders | null): void
  onError(error: Error): void
  onBodySent(chunk: Buffer): void
  onRequestSent(): void
  onResponseStarted(): void
}

/** The part of an undici 6 dispatcher that is used here. */
interface LegacyTarget {
  dispatch(options: Dispatcher.DispatchOptions, handler: LegacyHandler): boolean
}

const parse = (raw: RawHeaders | null): IncomingHttpHeaders =>
  raw === null ? {} : util.parseHeaders([...raw])

/** Translates the callbacks of undici 6 for one request to those of undici 8. */
class HandlerAdapter implements LegacyHandler, Dispatcher.DispatchController {
  readonly #handler: Dispatcher.DispatchHandler
  #abort: ((reason?: Error) => void) | undefined
  #resume: (() => void) | undefined
  #aborted = false
  #paused = false
  #reason: Error | null = null
  rawHeaders: Buffer[] | null = null
  rawTrailers: Buffer[] | null = null

  constructor(handler: Dispatcher.DispatchHandler) {
    this.#handler = handler
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
  abort(reason: Error): void {
    if (this.#aborted) return
    this.#aborted = true
    this.#reason = reason
    this.#abort?.(reason)
  }
  pause(): void {
    this.#paused = true
  }
  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#resume?.()
  }

  onConnect(abort: (reason?: Error) => void, context: unknown): void {
    this.#abort = abort
    this.#handler.onRequestStart?.(this, context)
  }
  onUpgrade(statusCode: number, headers: RawHeaders | null, socket: Duplex): void {
    this.rawHeaders = headers as Buffer[] | null
    this.#handler.onRequestUpgrade?.(this, statusCode, parse(headers), socket)
  }
  onHeaders(
    statusCode: number,
    headers: RawHeaders,
    resume: () => void,
    statusText: string,
  ): boolean {
    this.#resume = resume
    this.rawHeaders = headers as Buffer[]
    this.#handler.onResponseStart?.(this, statusCode, parse(headers), statusText)
    return !this.#paused
  }
  onData(chunk: Buffer): boolean {
    this.#handler.onResponseData?.(this, chunk)
    return !this.#paused
  }
  onComplete(trailers: RawHeaders | null): void {
    this.rawTrailers = trailers as Buffer[] | null
    this.#handler.onResponseEnd?.(this, parse(trailers))
  }
  onError(error: Error): void {
    this.#handler.onResponseError?.(this, error)
  }
  onBodySent(chunk: Buffer): void {
    this.#handler.onBodySent?.(chunk)
  }
  onRequestSent(): void {
    this.#handler.onRequestSent?.()
  }
  onResponseStarted(): void {
    this.#handler.onResponseStarted?.()
  }
}

/**
 * Adapts a dispatcher of undici 6, or the built-in one of Node 22, for callers with the handler
 * interface of undici 7 and 8. Closing the adapter does not close that dispatcher.
 */
class LegacyDispatcher extends Dispatcher {
  readonly #target: LegacyTarget

  constructor(target: LegacyTarget) {
    super()
    this.#target = target
  }

  override dispatch(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): boolean {
    return this.#target.dispatch(options, new HandlerAdapter(handler))
  }
}

/**
 * The current global dispatcher. undici 7 and 8 store theirs under their own key, and a wrapper
 * under the older key. Anything else under the older key was set later, by undici 6 or by the
 * built-in fetch of Node 22 and 24, and has precedence.
 */
export const presentGlobalDispatcher = (): Dispatcher => {
  const legacy = legacyGlobalDispatcher() as LegacyTarget | undefined
  // compared by name, as each installed copy of undici has its own class
  if (legacy === undefined || legacy.constructor.name === 'Dispatcher1Wrapper')
    return getGlobalDispatcher()
  return (legacy as unknown) === getGlobalDispatcher()
    ? getGlobalDispatcher()
    : new LegacyDispatcher(legacy)
}
