import { CallError } from './call-error.ts'
import { createDirectory, type Directory } from './directory.ts'
import type { ServiceDispatcherOptions } from './dispatcher-options.ts'
import { InstancePools } from './instance-pools.ts'
import { presentGlobalDispatcher } from './legacy-dispatcher.ts'
import { refuseOption } from './option-check.ts'
import { RouteTable } from './route-table.ts'
import type { ServiceAddress } from './service-address.ts'
import { type CallOptions, ServiceCall } from './service-call.ts'
import { serviceOptionNames } from './service-settings.ts'
import { Dispatcher, modernHandler, type Pool } from './undici.ts'

type Callback = (error: Error | null, data: null) => void

/** The resources of a dispatcher at present. */
export interface DispatcherStats {
  /** Services that are watched. */
  readonly services: number
  /** Pools of instances, including those that are closing. */
  readonly pools: number
  /** Requests that have not ended. */
  readonly requests: number
  /** Upgraded connections that have not closed. */
  readonly upgraded: number
}

const checkFallback = (fallback: unknown): Dispatcher | null => {
  if (fallback === undefined) return presentGlobalDispatcher()
  if (fallback === null) return null
  if (typeof fallback === 'object' && 'dispatch' in fallback) return fallback as Dispatcher
  return refuseOption('fallback', fallback, 'a dispatcher of undici 7 or 8, or null')
}

/**
 * An undici dispatcher that sends `http://orders.sd/path` to an instance of the service `orders`,
 * picked for each request. Use it wherever undici or Node's built-in `fetch` accepts a dispatcher,
 * or set it for all requests with `setGlobalDispatcher` of undici 7 or 8. Requests to other hosts
 * go to the previous global dispatcher.
 *
 * A failed request throws a `CallError`, which is a `RegistryError`; an aborted one throws the
 * caller's own reason.
 */
export class ServiceDispatcher extends Dispatcher implements AsyncDisposable {
  readonly #directory: Directory
  readonly #fallback: Dispatcher | null
  readonly #routes: RouteTable<InstancePools>
  #requests = 0
  #closing: Promise<void> | undefined
  #drained: (() => void) | undefined
  #destroying: Promise<void> | undefined

  /** @throws RegistryError `invalid-config`, naming the option */
  constructor(options: ServiceDispatcherOptions) {
    super()
    this.#directory = createDirectory(options, ['fallback'], serviceOptionNames)
    this.#fallback = checkFallback(options.fallback)
    const { discovery, idleMs } = this.#directory
    this.#routes = new RouteTable(
      discovery,
      (service) => this.#directory.settingsOf(service),
      ({ pool }) => new InstancePools(pool, (made) => this.#forward(made)),
      idleMs,
    )
  }

  get closed(): boolean {
    return this.#closing !== undefined || this.destroyed
  }
  get destroyed(): boolean {
    return this.#destroying !== undefined
  }
  get stats(): DispatcherStats {
    const all = this.#routes.all
    const sum = (of: (pools: InstancePools) => number): number =>
      all.reduce((total, { connections }) => total + of(connections), 0)
    return {
      services: all.length,
      pools: sum(({ size }) => size),
      requests: this.#requests,
      upgraded: sum(({ upgradedSize }) => upgradedSize),
    }
  }

  /** undici's WebSocket reads its limits here: those of the fallback. */
  get webSocketOptions(): unknown {
    return (this.#fallback as { webSocketOptions?: unknown } | null)?.webSocketOptions ?? {}
  }
  /** undici's EventSource reads its limits here: those of the fallback. */
  get eventSourceOptions(): unknown {
    return (this.#fallback as { eventSourceOptions?: unknown } | null)?.eventSourceOptions ?? {}
  }

  override dispatch(
    options: Dispatcher.DispatchOptions,
    given: Dispatcher.DispatchHandler,
  ): boolean {
    // the built-in fetch of Node 22 and 24 uses the older interface and supports only HTTP/1.1
    const legacy = typeof given?.onRequestStart !== 'function'
    const handler = legacy ? modernHandler(given) : given
    let error: Error
    try {
      const address = this.#directory.addresses.find(options.origin)
      if (address !== undefined && !this.closed)
        return this.#call(address, options, handler, legacy)
      if (this.closed)
        error = new CallError('closed', {
          service: address?.service,
          attempts: 0,
          message: 'the dispatcher is closed; create a new one',
        })
      else if (this.#fallback === null)
        this.#directory.addresses.refuse('request', String(options.origin))
      else
        return this.#fallback.dispatch(
          legacy ? ({ ...options, allowH2: false } as Dispatcher.DispatchOptions) : options,
          handler,
        )
    } catch (thrown) {
      error = thrown as Error
    }
    if (handler.onResponseError === undefined) throw error
    handler.onResponseError(null as unknown as Dispatcher.DispatchController, error)
    return false
  }

  /**
   * Rejects new requests, waits until those under way have ended, and releases pools and watches.
   * Upgraded connections stay open; their users close them, or `destroy` does.
   */
  override close(callback?: () => void): Promise<void>
  override close(callback: () => void): void
  override close(callback?: () => void): Promise<void> {
    this.#closing ??= this.#close()
    return settle(this.#closing, callback)
  }

  /** Ends everything immediately: requests under way fail with `error`. */
  override destroy(error: Error | null | (() => void), callback: () => void): void
  override destroy(error?: Error | null | (() => void)): Promise<void>
  override destroy(error?: Error | null | (() => void), callback?: () => void): Promise<void> {
    const [reason, done] = typeof error === 'function' ? [undefined, error] : [error, callback]
    this.#destroying ??= this.#routes.destroy(
      reason ?? new CallError('closed', { attempts: 0, message: 'the dispatcher was destroyed' }),
    )
    return settle(this.#destroying, done)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #call(
    address: ServiceAddress,
    options: CallOptions,
    handler: Dispatcher.DispatchHandler,
    http1: boolean,
  ): boolean {
    const route = this.#routes.get(address.service)
    route.active += 1
    this.#requests += 1
    const ended = (): void => {
      route.active -= 1
      this.#requests -= 1
      if (this.#requests === 0) this.#drained?.()
    }
    let call: ServiceCall
    try {
      call = new ServiceCall({ route, address, http1, ended }, options, handler)
    } catch (error) {
      // for unreadable headers, or a `key` function that throws
      ended()
      throw error
    }
    return call.start()
  }

  async #close(): Promise<void> {
    if (this.#requests > 0) await new Promise<void>((resolve) => (this.#drained = resolve))
    await (this.#destroying ?? this.#routes.close())
  }

  /** Forwards the pool events that an Agent of undici emits. */
  #forward(pool: Pool): void {
    pool.on('drain', (origin) => this.emit('drain', origin))
    for (const event of ['connect', 'disconnect', 'connectionError'] as const)
      pool.on(event as 'disconnect', (origin, targets, error) =>
        this.emit(event as 'disconnect', origin, [this, ...targets], error),
      )
  }
}

/** Supports the callbacks of undici's methods in addition to promises. */
const settle = async (
  promise: Promise<void>,
  callback: (() => void) | undefined,
): Promise<void> => {
  await promise
  // undici's own methods call back with (null, null), although their types differ
  ;(callback as Callback | undefined)?.(null, null)
}
