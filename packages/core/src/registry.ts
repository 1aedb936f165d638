import { hostname } from 'node:os'
import { createPublish, type Publish } from './runtime/diagnostics.ts'
import { abortable, sleep, withDeadline } from './runtime/abort.ts'
import type { DriverFactory } from './driver/driver-context.ts'
import type { Contents, RegistryDriver, Scope } from './driver/registry-driver.ts'
import { editRecord } from './edit-record.ts'
import { healthOf, type RegistryHealth, type SurvivedError } from './health.ts'
import { validateEdit, validateInstance, validateName } from './model/validate-instance.ts'
import {
  type InstanceEdit,
  type InstanceInput,
  type ServiceInstance,
  weighInstance,
} from './model/service-instance.ts'
import { Registration, type WaitOptions } from './registration.ts'
import { RegistryError } from './registry-error.ts'
import {
  type RegistryOptions,
  type ResolvedOptions,
  resolveRegistryOptions,
} from './registry-options.ts'
import { Backoff } from './runtime/backoff.ts'
import type { ConflictRule } from './supervisor/desired-registration.ts'
import { SessionSupervisor } from './supervisor/session-supervisor.ts'
import { highestRecord } from './model/instance-record.ts'
import { instanceKey } from './watch/instance-view.ts'
import { WatchHub } from './watch/watch-hub.ts'
import {
  type AllWatcher,
  type ServicesWatcher,
  watchAll,
  type Watcher,
  watchService,
  watchServices,
} from './watcher.ts'

/** How `register` goes about it. */
export interface RegisterOptions extends WaitOptions {
  /**
   * What to do when the id is held: `takeover` (default): the newer registration wins, and the
   * holder's status becomes `superseded`; `reject`: fail with `conflict` while the holder lives;
   * `yield`: likewise, and give way to whoever registers the id later (for mirrors of a registry).
   */
  readonly onConflict?: ConflictRule | undefined
  /**
   * `registered` (default): resolve when every client can list the instance. `accepted`: at once;
   * the status tells the rest.
   */
  readonly waitFor?: 'registered' | 'accepted' | undefined
}

/** Registers services. */
export interface Registrar {
  register(instance: InstanceInput, options?: RegisterOptions): Promise<Registration>
}

/** Finds services. */
export interface Discovery {
  list(service: string, options?: WaitOptions): Promise<readonly ServiceInstance[]>
  listServices(options?: WaitOptions): Promise<readonly string[]>
  watch(service: string, options?: WaitOptions): Watcher
  watchAll(options?: WaitOptions): AllWatcher
  watchServices(options?: WaitOptions): ServicesWatcher
}

const keptErrors = 16

/**
 * A service registry over one backend. Constructing it does no I/O. Everything asynchronous takes
 * a signal and rejects with its reason; every other failure is a `RegistryError`.
 */
export class Registry implements Registrar, Discovery, AsyncDisposable {
  /** The backend's name. */
  readonly backend: string
  readonly #driver: RegistryDriver
  readonly #options: ResolvedOptions
  readonly #publish: Publish
  readonly #supervisor: SessionSupervisor
  readonly #hub: WatchHub
  readonly #errors: SurvivedError[] = []
  readonly #scope = new AbortController()
  #closing: Promise<void> | undefined

  /**
   * `source` is a driver, or a function that makes one from the context (clock, randomness,
   * format, reporting) that the registry gives it.
   * @throws RegistryError `invalid-config`, naming the field
   */
  constructor(source: RegistryDriver | DriverFactory, options: RegistryOptions = {}) {
    const resolved = resolveRegistryOptions(options)
    const { clock, random, format, ttlMs } = resolved
    let publish: Publish | undefined
    this.#driver =
      typeof source === 'function'
        ? source({
            clock,
            random,
            format,
            report: ({ level, event, message, details }) =>
              publish?.('driver', level, event, message, details),
          })
        : source
    const { backend, capabilities } = this.#driver
    const { minTtlMs, maxTtlMs = Number.POSITIVE_INFINITY } = capabilities
    if (ttlMs < minTtlMs || ttlMs > maxTtlMs)
      throw new RegistryError('invalid-config', {
        backend,
        operation: 'configure',
        message: `ttlMs is ${ttlMs}; expected ${minTtlMs} to ${maxTtlMs} on this backend`,
      })
    this.backend = backend
    this.#options = resolved
    publish = createPublish(backend, resolved.logger)
    this.#publish = publish
    const shared = { driver: this.#driver, backend, ...resolved, publish: this.#observe(publish) }
    this.#hub = new WatchHub(shared)
    this.#supervisor = new SessionSupervisor({ ...shared, owner: random.id(16) }, () =>
      this.#hub.trouble(),
    )
  }

  /**
   * Registers an instance and keeps it registered through every outage until it is deregistered.
   * While the backend cannot be reached it keeps trying until it succeeds or the signal aborts;
   * aborting takes the registration back.
   * @throws RegistryError `invalid-argument` before any I/O; `conflict`, `permission-denied`
   * before the first success; `closed`
   */
  async register(input: InstanceInput, options: RegisterOptions = {}): Promise<Registration> {
    this.#assertOpen('register')
    const { onConflict = 'takeover', waitFor = 'registered', signal } = options
    this.#oneOf('onConflict', onConflict, ['takeover', 'reject', 'yield'])
    this.#oneOf('waitFor', waitFor, ['registered', 'accepted'])
    const instance = validateInstance('register', input, () => this.#makeId())
    this.#checkSize(instance)
    signal?.throwIfAborted()
    const desired = this.#supervisor.register(instance, onConflict)
    const registration = new Registration(this.#supervisor, desired, (updated) =>
      this.#checkSize(updated),
    )
    if (waitFor === 'accepted') return registration
    const registered = desired.acknowledged(1)
    try {
      await (signal === undefined ? registered : abortable(registered, signal))
    } catch (error) {
      if (signal?.aborted === true) this.#supervisor.deregister(desired).catch(() => {})
      throw error
    }
    return registration
  }

  /**
   * The instances of a service, read from the backend with the consistency that its capabilities
   * state; `[]` for an unknown service. A passing failure is retried within the call's deadline.
   * @throws RegistryError `unavailable`, `timeout`, `permission-denied`, `invalid-argument`, `closed`
   */
  async list(service: string, options: WaitOptions = {}): Promise<readonly ServiceInstance[]> {
    validateName('list', 'service', service)
    const contents = await this.#read({ service }, 'list', options.signal)
    const byKey = Map.groupBy(contents.records, ({ instance }) =>
      instanceKey(instance.service, instance.id),
    )
    return [...byKey.values()].flatMap((records) => highestRecord(records)?.instance ?? [])
  }

  /** The names of all services that have an instance, sorted. Throws as `list` does. */
  async listServices(options: WaitOptions = {}): Promise<readonly string[]> {
    const { services = [] } = await this.#read({ services: true }, 'list-services', options.signal)
    return [...new Set(services)].toSorted()
  }

  /**
   * Follows the instances of a service. All watchers of one service share one watch of the
   * backend. Must be closed: by leaving the iteration, its signal, `close` or `await using`.
   */
  watch(service: string, options: WaitOptions = {}): Watcher {
    this.#assertOpen('watch')
    validateName('watch', 'service', service)
    return watchService(this.#hub, service, options.signal)
  }

  /** Follows the instances of every service. */
  watchAll(options: WaitOptions = {}): AllWatcher {
    this.#assertOpen('watch')
    return watchAll(this.#hub, options.signal)
  }

  /** Follows which services have an instance. */
  watchServices(options: WaitOptions = {}): ServicesWatcher {
    this.#assertOpen('watch')
    return watchServices(this.#hub, options.signal)
  }

  /**
   * Changes weight, tags or metadata of a registered instance in its owner's name, in place: nobody
   * sees it leave, and the owner adopts the change within a ttl. Resolves to `absent` when there is
   * no such instance.
   * @throws RegistryError `unsupported` where only the owner can write; `conflict` when the record
   * bears no claim, or the owner changes it all the time; otherwise as `list` and `register` do
   */
  async edit(
    service: string,
    id: string,
    edit: InstanceEdit,
    options: WaitOptions = {},
  ): Promise<'edited' | 'absent'> {
    this.#assertOpen('edit')
    validateName('edit', 'service', service)
    validateName('edit', 'id', id)
    const subject = { backend: this.backend, operation: 'edit', service }
    return editRecord({
      driver: this.#driver,
      id,
      fields: validateEdit('edit', service, edit),
      read: () => this.#read({ service }, 'edit', options.signal),
      call: (work) => {
        const { clock, callTimeoutMs } = this.#options
        return withDeadline(clock, callTimeoutMs, this.#bounded(options.signal), subject, work)
      },
      checkSize: (instance) => this.#checkSize(instance),
    })
  }

  /** How it does: session, registrations, freshness of every watch, last errors. No I/O. */
  health(): RegistryHealth {
    return healthOf(this.backend, this.#supervisor, this.#hub, this.#errors)
  }

  /**
   * Deregisters everything, ends every iteration, releases every socket and timer. Takes at most
   * `closeTimeoutMs`, also when the backend is down or frozen; what it could not take out then
   * leaves with its ttl. Never rejects. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const { clock, closeTimeoutMs } = this.#options
    const subject = { backend: this.backend, operation: 'close' }
    this.#hub.close()
    this.#scope.abort(
      new RegistryError('closed', { ...subject, message: 'the registry was closed' }),
    )
    const deadline = new AbortController()
    const timer = clock.setTimer(closeTimeoutMs, () =>
      deadline.abort(
        new RegistryError('timeout', {
          ...subject,
          message: `the backend did not answer within ${closeTimeoutMs} ms`,
        }),
      ),
    )
    try {
      await this.#supervisor.close(deadline.signal)
      await abortable(Promise.resolve(this.#driver[Symbol.asyncDispose]()), deadline.signal)
    } catch (thrown) {
      const cause = RegistryError.from(thrown, subject)
      this.#publish('session', 'warn', 'close-incomplete', cause.message, { cause })
    } finally {
      timer.cancel()
    }
  }

  async #read(scope: Scope, operation: string, outer: AbortSignal | undefined): Promise<Contents> {
    this.#assertOpen(operation)
    outer?.throwIfAborted()
    const { clock, random, callTimeoutMs, backoff: bounds } = this.#options
    const service = 'service' in scope ? scope.service : undefined
    const subject = { backend: this.backend, operation, service }
    const signal = this.#bounded(outer)
    const backoff = new Backoff(bounds, clock, random)
    let last: RegistryError | undefined
    const attempts = async (bounded: AbortSignal): Promise<Contents> => {
      for (;;) {
        try {
          // half of it, so that a member that hangs leaves time to ask another
          return await withDeadline(clock, callTimeoutMs / 2, bounded, subject, (attempt) =>
            this.#driver.list(scope, attempt),
          )
        } catch (thrown) {
          if (bounded.aborted) throw thrown
          last = RegistryError.from(thrown, subject)
          if (!last.retryable) throw last
          await sleep(clock, backoff.nextDelayMs(), bounded)
        }
      }
    }
    try {
      const contents = await withDeadline(clock, callTimeoutMs, signal, subject, attempts)
      for (const { key, reason } of contents.skipped)
        this.#publish('record', 'warn', 'record-skipped', `record ${key} is skipped: ${reason}`, {
          key,
          reason,
        })
      return contents
    } catch (error) {
      // the deadline ended the retries: what they failed with says more than that it passed
      if (error instanceof RegistryError && error.code === 'timeout' && last !== undefined)
        throw last
      throw error
    }
  }

  #bounded(outer: AbortSignal | undefined): AbortSignal {
    return outer === undefined ? this.#scope.signal : AbortSignal.any([this.#scope.signal, outer])
  }

  /** Keeps the latest causes for `health()`. */
  #observe(publish: Publish): Publish {
    return (topic, level, event, message, details) => {
      const cause = details?.['cause']
      if (cause instanceof RegistryError && this.#errors.at(-1)?.error !== cause) {
        this.#errors.push({ at: new Date(this.#options.clock.nowMs()), error: cause })
        if (this.#errors.length > keptErrors) this.#errors.shift()
      }
      publish(topic, level, event, message, details)
    }
  }

  #makeId(): string {
    return `${hostname() || 'host'}-${process.pid}-${this.#options.random.id(8)}`
  }

  #assertOpen(operation: string): void {
    if (this.#closing === undefined) return
    const message = 'the registry was closed; create a new one'
    throw new RegistryError('closed', { backend: this.backend, operation, message })
  }

  #oneOf(field: string, value: string, accepted: readonly string[]): void {
    if (accepted.includes(value)) return
    throw new RegistryError('invalid-argument', {
      backend: this.backend,
      operation: 'register',
      message: `${field} is ${JSON.stringify(value)}; expected ${accepted.join(' or ')}`,
    })
  }

  #checkSize(instance: ServiceInstance): void {
    const { format, ttlMs } = this.#options
    const { maxRecordBytes } = this.#driver.capabilities
    // far from the limit in any format: not worth encoding twice
    if (weighInstance(instance) * 24 <= maxRecordBytes) return
    const claim = { owner: ''.padEnd(16), claimedAtMs: Number.MAX_SAFE_INTEGER, seq: 1_000_000 }
    const request = {
      instance,
      claim,
      mode: 'if-newer',
      ttlMs,
      registeredAtMs: claim.claimedAtMs,
    } as const
    const bytes = format.encode(request).byteLength
    if (bytes <= maxRecordBytes) return
    throw new RegistryError('invalid-argument', {
      backend: this.backend,
      operation: 'register',
      service: instance.service,
      message: `the record is ${bytes} bytes; expected at most ${maxRecordBytes} on this backend: shorten metadata, tags or endpoints`,
    })
  }
}
