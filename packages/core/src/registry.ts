import type { DriverFactory } from './driver/driver-context.ts'
import type { Capabilities, RegistryDriver } from './driver/registry-driver.ts'
import { Availability } from './runtime/availability.ts'
import { createDiscovery, type Discovery } from './discovery.ts'
import { healthOf, type RegistryHealth, type SurvivedError } from './health.ts'
import type { InstanceRecord } from './model/instance-record.ts'
import type { InstanceEdit, InstanceInput, ServiceInstance } from './model/service-instance.ts'
import { createOperator, type Operator, type PingOptions, type StoredRecords } from './operator.ts'
import { createRegistrar, type RegisterOptions, type Registrar } from './registrar.ts'
import type { Registration, WaitOptions } from './registration.ts'
import type { RegistryContext } from './registry-context.ts'
import { RegistryError } from './registry-error.ts'
import { type RegistryOptions, resolveRegistryOptions } from './registry-options.ts'
import { abortable } from './runtime/abort.ts'
import { createPublish, type Publish } from './runtime/diagnostics.ts'
import { timeCall } from './time-call.ts'
import { RegistrationSupervisor } from './registration/registration-supervisor.ts'
import { WatchHub } from './watch/watch-hub.ts'
import type { AllWatcher, ServicesWatcher, Watcher } from './watcher.ts'

const keptErrors = 16

/**
 * A service registry over one backend: all roles in one object. Constructing it does no I/O.
 * Asynchronous methods except `close` take a signal and reject with its reason. Every other failure is
 * a `RegistryError`.
 */
export class Registry implements Registrar, Discovery, Operator, AsyncDisposable {
  readonly #context: RegistryContext
  readonly #supervisor: RegistrationSupervisor
  readonly #hub: WatchHub
  readonly #registrar: Registrar
  readonly #discovery: Discovery
  readonly #operator: Operator
  readonly #scope = new AbortController()
  #closing: Promise<void> | undefined

  /**
   * `source` is a driver, or a function that creates one from the registry's context (clock,
   * randomness, format, reporting).
   * @throws RegistryError `invalid-config`, naming the field
   */
  constructor(source: RegistryDriver | DriverFactory, options: RegistryOptions = {}) {
    const resolved = resolveRegistryOptions(options)
    const { clock, random, format, ttlMs } = resolved
    let publish: Publish | undefined
    const driver =
      typeof source === 'function'
        ? source({
            clock,
            random,
            format,
            report: ({ level, event, message, details }) =>
              publish?.('driver', level, event, message, details),
          })
        : source
    const { backend, capabilities, carriers = ['value'] } = driver
    const { carrier = 'value' } = format
    if (!carriers.includes(carrier))
      throw new RegistryError('invalid-config', {
        backend,
        operation: 'configure',
        message: `format "${format.name}" needs a backend that stores documents as "${carrier}"; this one stores them as ${carriers.map((known) => `"${known}"`).join(', ')}`,
      })
    const { minTtlMs, maxTtlMs = Number.POSITIVE_INFINITY } = capabilities
    if (ttlMs < minTtlMs || ttlMs > maxTtlMs)
      throw new RegistryError('invalid-config', {
        backend,
        operation: 'configure',
        message: `ttlMs is ${ttlMs}; expected ${minTtlMs} to ${maxTtlMs} on this backend`,
      })
    const errors: SurvivedError[] = []
    publish = createPublish(backend, resolved.logger, this)
    const { servers } = driver
    const availability = new Availability({ backend, servers, clock, ttlMs, publish })
    const closed = this.#scope.signal
    this.#context = { backend, driver, options: resolved, publish, availability, closed }
    const observed = keepingCauses(publish, errors, () => clock.nowMs())
    const shared = { driver, backend, ...resolved, availability, publish: observed }
    this.#hub = new WatchHub(shared)
    this.#supervisor = new RegistrationSupervisor({ ...shared, owner: random.id(16) }, () =>
      this.#hub.trouble(),
    )
    this.#registrar = createRegistrar(this.#context, this.#supervisor)
    this.#discovery = createDiscovery(this.#context, this.#hub)
    this.#operator = createOperator(this.#context, () =>
      healthOf(backend, availability, this.#supervisor, this.#hub, errors),
    )
  }

  get backend(): string {
    return this.#operator.backend
  }
  get capabilities(): Capabilities {
    return this.#operator.capabilities
  }

  register(instance: InstanceInput, options?: RegisterOptions): Promise<Registration> {
    return timeCall(this.#context, 'register', instance?.service, () =>
      this.#registrar.register(instance, options),
    )
  }

  list(service: string, options?: WaitOptions): Promise<readonly ServiceInstance[]> {
    return timeCall(this.#context, 'list', service, () => this.#discovery.list(service, options))
  }
  listServices(options?: WaitOptions): Promise<readonly string[]> {
    return timeCall(this.#context, 'list-services', undefined, () =>
      this.#discovery.listServices(options),
    )
  }
  watch(service: string, options?: WaitOptions): Watcher {
    return this.#discovery.watch(service, options)
  }
  watchAll(options?: WaitOptions): AllWatcher {
    return this.#discovery.watchAll(options)
  }
  watchServices(options?: WaitOptions): ServicesWatcher {
    return this.#discovery.watchServices(options)
  }

  health(): RegistryHealth {
    return this.#operator.health()
  }
  ping(options?: PingOptions): Promise<void> {
    return timeCall(this.#context, 'ping', options?.service, () => this.#operator.ping(options))
  }
  records(service?: string, options?: WaitOptions): Promise<StoredRecords> {
    return timeCall(this.#context, 'records', service, () =>
      this.#operator.records(service, options),
    )
  }
  edit(
    service: string,
    id: string,
    edit: InstanceEdit | ((instance: ServiceInstance) => InstanceEdit),
    options?: WaitOptions,
  ): Promise<'edited' | 'absent'> {
    return timeCall(this.#context, 'edit', service, () =>
      this.#operator.edit(service, id, edit, options),
    )
  }
  removeRecord(
    record: InstanceRecord,
    options?: WaitOptions,
  ): Promise<'removed' | 'absent' | 'not-ours'> {
    return timeCall(this.#context, 'remove-record', record?.instance?.service, () =>
      this.#operator.removeRecord(record, options),
    )
  }

  /**
   * Deregisters everything, ends every iteration, releases every socket and timer. Takes at most
   * `closeTimeoutMs` (default 5,000 ms), even when the backend is down or frozen. Instances that are
   * not removed by then expire with their ttl. Never rejects. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const { backend, driver, options, publish } = this.#context
    const { clock, closeTimeoutMs } = options
    const subject = { backend, operation: 'close' }
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
      await abortable(Promise.resolve(driver[Symbol.asyncDispose]()), deadline.signal)
    } catch (thrown) {
      const cause = RegistryError.from(thrown, subject)
      publish('session', 'warn', 'close-incomplete', cause.message, { cause })
    } finally {
      timer.cancel()
    }
  }
}

/** Wraps `publish` and keeps the latest causes in `errors` for `health()`. */
const keepingCauses =
  (publish: Publish, errors: SurvivedError[], nowMs: () => number): Publish =>
  (topic, level, event, message, details) => {
    const cause = details?.['cause']
    if (cause instanceof RegistryError && errors.at(-1)?.error !== cause) {
      errors.push({ at: new Date(nowMs()), error: cause })
      if (errors.length > keptErrors) errors.shift()
    }
    publish(topic, level, event, message, details)
  }
