import type { InstanceInput, Logger, Registry, RegistryOptions, ServiceInstance } from '@sd/core'
import {
  type Capabilities,
  createDriverContext,
  type DriverContext,
  type DriverFactory,
  type DriverSession,
  jsonFormat,
  type RegistryDriver,
  type WireFormat,
  wrapDriver,
} from '@sd/core/driver'
import { soon } from './answers.ts'
import type { ContractHarness } from './contract-harness.ts'
import { lists } from './lists.ts'
import { TestWorld } from './test-world.ts'

/** Time limits of one run, all in milliseconds. */
export interface ContractTimes {
  readonly ttlMs: number
  readonly graceMs: number
  /** The backoff cap that the suite's registries use. */
  readonly capMs: number
  /** How long the backend takes to register the many instances of the large cases. */
  readonly manyMs: number
  /** Added to every bound for loaded machines. */
  readonly slackMs: number
}

/** A log line, for the cases that check reporting. */
export interface LogLine {
  readonly level: string
  readonly details: Readonly<Record<string, unknown>>
  readonly message: string
}

/**
 * The environment of one case: its own namespace, and everything that it opened, closed at its end.
 */
export class ContractRun extends TestWorld {
  readonly harness: ContractHarness
  readonly capabilities: Capabilities
  readonly times: ContractTimes
  readonly many: number
  readonly logs: LogLine[] = []
  readonly #format: WireFormat
  readonly #drivers: RegistryDriver[] = []
  readonly #sessions: DriverSession[] = []

  constructor(
    harness: ContractHarness,
    capabilities: Capabilities,
    times: ContractTimes,
    many: number,
    format: WireFormat = jsonFormat,
  ) {
    super({ ...times, name: 'contract' })
    this.harness = harness
    this.capabilities = capabilities
    this.times = times
    this.many = many
    this.#format = format
  }

  /** A registry over the link that faults affect. */
  registry(options: RegistryOptions = {}, namespace: string = this.namespace): Registry {
    return this.open(this.harness.connect(namespace), options)
  }

  /** A registry whose link no fault affects. */
  direct(options: RegistryOptions = {}): Registry {
    const factory = this.harness.connectDirect?.(this.namespace)
    return this.open(factory ?? this.harness.connect(this.namespace), options)
  }

  override open(factory: DriverFactory, options: RegistryOptions = {}): Registry {
    const log =
      (level: string) =>
      (details: object, message: string): void => {
        this.logs.push({ level, details: details as Record<string, unknown>, message })
      }
    const logger: Logger = {
      debug: log('debug'),
      info: log('info'),
      warn: log('warn'),
      error: log('error'),
    }
    return super.open(factory, { logger, format: this.#format, ...options })
  }

  /**
   * A driver over the link that faults affect, for checks that a registry does not allow. Disposed
   * of with the run. `context` overrides parts of the driver's context.
   */
  driver(context: Partial<DriverContext> = {}): RegistryDriver {
    const { harness, namespace } = this
    const factory = harness.connectSteady?.(namespace) ?? harness.connect(namespace)
    return this.keep(factory(this.#context(context)))
  }

  /** A driver whose link no fault affects. Disposed of with the run. */
  directDriver(): RegistryDriver {
    const factory = this.harness.connectDirect?.(this.namespace)
    return factory === undefined ? this.driver() : this.keep(factory(this.#context()))
  }

  #context(parts: Partial<DriverContext> = {}): DriverContext {
    return createDriverContext({ format: this.#format, ...parts })
  }

  /** A session of `driver` with a ttl longer than any case. Closed with the run. */
  async session(
    driver: RegistryDriver = this.driver(),
    ttlMs: number = this.times.ttlMs * 10,
  ): Promise<DriverSession> {
    const session = await driver.openSession({ ttlMs }, soon())
    this.#sessions.push(session)
    return session
  }

  /** Disposes of `driver` at the end of the run. */
  keep(driver: RegistryDriver): RegistryDriver {
    this.#drivers.push(driver)
    return driver
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    // closing fails for a session that the case has ended, or whose link is cut
    const closing = this.#sessions.map((session) => session.close(soon(1_000)).catch(() => {}))
    await Promise.all(closing)
    await Promise.all(this.#drivers.map((driver) => driver[Symbol.asyncDispose]()))
    await super[Symbol.asyncDispose]()
  }

  /** A registry that counts the calls of its driver. */
  counting(options: RegistryOptions = {}): { registry: Registry; calls: Map<string, number> } {
    const calls = new Map<string, number>()
    const factory = this.harness.connect(this.namespace)
    const registry = this.open((context) => countCalls(factory(context), calls), options)
    return { registry, calls }
  }

  /** Waits until that registry lists exactly these ids. */
  async lists(
    registry: Registry,
    service: string,
    ids: readonly string[],
    deadlineMs: number,
  ): Promise<void> {
    await lists(registry, ids, deadlineMs, service)
  }

  /** How long until another client sees a write: 0 where lists are linearizable. */
  get visibleMs(): number {
    return this.capabilities.list === 'linearizable' ? 0 : this.times.ttlMs
  }
}

/** The ids of a list, sorted. */
export const idsOf = (instances: readonly ServiceInstance[]): readonly string[] =>
  instances.map(({ id }) => id).toSorted()

/** An instance to register. */
export const input = (
  service: string,
  id: string,
  more: Partial<InstanceInput> = {},
): InstanceInput => ({ service, id, endpoints: ['http://127.0.0.1:8080'], ...more })

/** Counts the calls of the driver and of its sessions, except probes. */
const countCalls = (driver: RegistryDriver, calls: Map<string, number>): RegistryDriver => {
  const count = (name: string): void => {
    calls.set(name, (calls.get(name) ?? 0) + 1)
  }
  return wrapDriver(driver, {
    call: async (name, signal, next) => {
      if (name !== 'openSession' && name !== 'probe') count(name)
      const result = await next(signal)
      if (name === 'openSession') count(name)
      return result
    },
    observe: (_scope, signal, next) => {
      count('observe')
      return next(signal)
    },
  })
}
