import { setTimeout as sleep } from 'node:timers/promises'
import {
  type CheckOptions,
  type HealthCheck,
  type InstanceInput,
  type Logger,
  type Registrar,
  type Registration,
  RegistryError,
} from '@sd/core'
import { ownAddress, type OwnAddressOptions } from './own-address.ts'
import { type LifecycleEvent, Phases } from './phases.ts'
import type { ListeningPort, ServiceServer } from './service-server.ts'
import { type StopResult, watchProcess } from './watch-process.ts'

/** The part of a registry that `runService` uses. */
export interface ServiceRegistry extends Registrar {
  close(): Promise<void>
}

/** How a service is run. Times are milliseconds. */
export interface RunServiceOptions extends OwnAddressOptions {
  readonly registry: ServiceRegistry
  /**
   * The instance to register. Default `endpoints`: one for each port that the server listens on, at
   * `host` or `SD_HOST`, else at the server's bound host, else at `ownAddress`.
   */
  readonly instance: Omit<InstanceInput, 'endpoints'> & Partial<Pick<InstanceInput, 'endpoints'>>
  /** `httpServer(server)`, `fastifyServer(app)`, `nestServer(app)`, `grpcServer(server, …)`. */
  readonly listen: ServiceServer
  /** Runs between listening and registering: warm caches, open pools. */
  readonly ready?: ((signal: AbortSignal) => Promise<void>) | undefined
  /**
   * A health check of this service, with the defaults of `CheckOptions` or as part of them. Runs from
   * after `ready` until the service leaves.
   */
  readonly check?: HealthCheck | (CheckOptions & { readonly check: HealthCheck }) | undefined
  /** Runs when draining begins: tell WebSocket and stream clients to reconnect elsewhere. */
  readonly onDrain?: (() => Promise<void> | void) | undefined
  /** Runs after the last request is answered: close pools and files. */
  readonly onStop?: ((signal: AbortSignal) => Promise<void> | void) | undefined
  /** Deadline of `listen` and of `ready`. Default 60,000. */
  readonly startTimeoutMs?: number | undefined
  /**
   * How long publishing `draining` and deregistering may take together; after that the instance expires
   * by ttl. Default 2,000.
   */
  readonly deregisterTimeoutMs?: number | undefined
  /** How long to keep serving after deregistering, while callers are notified. Default 1,000. */
  readonly propagationMs?: number | undefined
  /** How long requests in progress may take before they are aborted. Default 10,000. */
  readonly drainMs?: number | undefined
  /** Deadline of `onStop`. Default 5,000. */
  readonly stopTimeoutMs?: number | undefined
  /** Stops the service when it aborts. During the start, `runService` rejects with its reason. */
  readonly signal?: AbortSignal | undefined
  /** Signals that stop the service; a second one exits at once. Default SIGTERM and SIGINT. */
  readonly signals?: readonly NodeJS.Signals[] | undefined
  /** Whether an uncaught exception stops the service in order, with exit code 1. Default false. */
  readonly uncaughtException?: boolean | undefined
  /**
   * Whether the process exits after a signal has stopped the service. Default true. A function is
   * called when the service has stopped.
   */
  readonly exit?: boolean | (() => boolean) | undefined
  readonly logger?: Logger | undefined
  readonly onPhase?: ((event: LifecycleEvent) => void) | undefined
}

/** A running service. */
export interface RunningService extends AsyncDisposable {
  readonly registration: Registration
  readonly ports: readonly ListeningPort[]
  /** Leaves the registry, keeps serving for a while, drains, closes. Never rejects. Idempotent. */
  stop(): Promise<StopResult>
  /** Resolves when the service has stopped, for whatever reason. */
  readonly stopped: Promise<StopResult>
}

const endpointsOf = async (
  { host, towards }: OwnAddressOptions,
  ports: readonly ListeningPort[],
): Promise<readonly string[]> => {
  const explicit = host ?? process.env['SD_HOST']
  return Promise.all(
    ports.map(async ({ scheme, port, host: bound }) => {
      const address = await ownAddress({ host: explicit ?? bound, towards })
      return `${scheme}://${address}:${port}`
    }),
  )
}

const checkOptionsOf = (check: RunServiceOptions['check']): CheckOptions =>
  typeof check === 'object' && 'check' in check ? check : { check }

class Service implements RunningService {
  readonly #options: RunServiceOptions
  readonly #phases: Phases
  readonly #stopping = new AbortController()
  readonly #stopped = Promise.withResolvers<StopResult>()
  readonly #unwatch: () => void
  #registration: Registration | undefined
  #listening = false
  ports: readonly ListeningPort[] = []

  constructor(options: RunServiceOptions) {
    const { instance, logger, onPhase, signals = ['SIGTERM', 'SIGINT'], exit = true } = options
    this.#options = options
    this.#phases = new Phases(instance.service, logger, onPhase)
    this.#unwatch = watchProcess({
      signals,
      uncaughtException: options.uncaughtException ?? false,
      stop: () => this.stop(),
      fail: (error) => this.#phases.errors.push(error),
      destroy: () => options.listen.destroy(),
      exit: typeof exit === 'function' ? exit : () => exit,
    })
    const { signal } = options
    const onAbort = (): void => void this.stop(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    void this.stopped.then(() => signal?.removeEventListener('abort', onAbort))
  }

  get registration(): Registration {
    return this.#registration as Registration
  }

  get stopped(): Promise<StopResult> {
    return this.#stopped.promise
  }

  /** Listens, becomes ready, registers. After a failure it stops first, then throws the error. */
  async start(): Promise<void> {
    const { listen, ready, registry, instance, startTimeoutMs = 60_000 } = this.#options
    const { signal } = this.#stopping
    try {
      await this.#phases.run(
        'listen',
        startTimeoutMs,
        async (bounded) => {
          this.#listening = true
          this.ports = await listen.listen(bounded)
        },
        signal,
      )
      if (ready !== undefined) await this.#phases.run('ready', startTimeoutMs, ready, signal)
      await this.#phases.run(
        'register',
        startTimeoutMs,
        async () => {
          const endpoints = instance.endpoints ?? (await endpointsOf(this.#options, this.ports))
          // while the registry is unreachable, callers that know the address are served
          const accepted = { waitFor: 'accepted', ...checkOptionsOf(this.#options.check) } as const
          this.#registration = await registry.register({ ...instance, endpoints }, accepted)
        },
        signal,
      )
    } catch (error) {
      await this.stop()
      throw error
    }
    void this.#follow(this.registration)
  }

  stop(reason: unknown = new Error('the service is stopping')): Promise<StopResult> {
    if (!this.#stopping.signal.aborted) {
      this.#stopping.abort(reason)
      void this.#stop().then(this.#stopped.resolve)
    }
    return this.#stopped.promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** Stops when the registry refuses the instance for good. */
  async #follow(registration: Registration): Promise<void> {
    for await (const { state, cause } of registration.statuses()) {
      if (state !== 'failed') continue
      this.#phases.errors.push(cause)
      this.#options.logger?.error(
        { service: registration.service, err: cause },
        `${registration.service}: the registry refuses the instance: ${cause?.message}`,
      )
      await this.stop()
    }
  }

  async #stop(): Promise<StopResult> {
    const { listen, registry, onDrain, onStop } = this.#options
    const { deregisterTimeoutMs = 2_000, propagationMs = 1_000 } = this.#options
    const { drainMs = 10_000, stopTimeoutMs = 5_000 } = this.#options
    const phases = this.#phases
    const registration = this.#registration
    if (registration !== undefined) {
      const { state } = registration.status
      const beganMs = performance.now()
      const halfMs = deregisterTimeoutMs / 2
      // a removal may reach callers late, where a registry that came back without its data delays it
      if (state === 'registered')
        await phases.attempt('draining', halfMs, (signal) =>
          registration.setHealth('draining', { signal }),
        )
      const leftMs = Math.round(deregisterTimeoutMs - (performance.now() - beganMs))
      await phases.attempt('deregister', Math.max(halfMs, leftMs), (signal) =>
        registration.deregister({ signal }),
      )
      // no caller knows of an instance that was never in the registry
      if (state !== 'registering' && state !== 'failed')
        await phases.attempt('propagate', propagationMs + 1_000, async () => {
          await sleep(propagationMs)
        })
    }
    if (this.#listening)
      await phases.attempt('drain', drainMs, async (signal) => {
        try {
          await onDrain?.()
        } finally {
          await listen.drain(signal)
        }
      })
    if (onStop !== undefined)
      await phases.attempt('stop', stopTimeoutMs, async (signal) => onStop(signal))
    // the registry itself limits this to its `closeTimeoutMs`
    await phases.attempt('close', 60_000, () => registry.close())
    listen.destroy()
    this.#unwatch()
    const { errors } = phases
    return { exitCode: errors.length === 0 ? 0 : 1, errors: [...errors] }
  }
}

const names = [
  'startTimeoutMs',
  'deregisterTimeoutMs',
  'propagationMs',
  'drainMs',
  'stopTimeoutMs',
] as const

/** @throws RegistryError `invalid-argument` for a time that is not a number of milliseconds */
export const checkTimes = (options: Omit<RunServiceOptions, 'listen'>): void => {
  for (const name of names) {
    const value = options[name]
    if (value === undefined || (Number.isFinite(value) && value >= 0 && value < 2 ** 31)) continue
    throw new RegistryError('invalid-argument', {
      backend: 'core',
      operation: 'run-service',
      service: options.instance.service,
      message: `${name} is ${value}; expected milliseconds from 0 to ${2 ** 31 - 1}`,
    })
  }
}

/**
 * Runs a service from its first connection to its last: listen, become ready, register; on a signal
 * publish that it is draining, deregister, keep serving while callers are notified, drain, close. A phase that fails or exceeds
 * its deadline is reported and never prevents the later ones.
 *
 * Resolves once the instance is handed to the registry. While the registry cannot be reached, the
 * service runs and registering is retried without limit.
 *
 * @throws the error of `listen` or `ready`; RegistryError `invalid-argument` for the instance or a
 * time. It stops what it had started before it throws
 */
export const runService = async (options: RunServiceOptions): Promise<RunningService> => {
  checkTimes(options)
  options.signal?.throwIfAborted()
  const service = new Service(options)
  await service.start()
  return service
}
