import type { InstanceInput, Logger, Registry, RegistryOptions, ServiceInstance } from '@sd/core'
import {
  type Capabilities,
  createDriverContext,
  type DriverContext,
  type DriverFactory,
  type DriverSession,
  type RegistryDriver,
  wrapDriver,
} from '@sd/core/driver'
import { soon } from './answers.ts'
import type { ContractHarness } from './contract-harness.ts'
import { lists } from './lists.ts'
import { TestWorld } from './test-world.ts'

/** Bounds of one run, all in milliseconds. */
export interface ContractTimes {
  readonly ttlMs: number
  readonly graceMs: number
  /** The backoff cap that the suite's registries use. */
  readonly capMs: number
  /** What the backend takes for the many of the large cases. */
  readonly manyMs: number
  /** What a loaded machine may add to any bound. */
  readonly slackMs: number
}

/** A log line, for the cases that are about reporting. */
export interface LogLine {
  readonly level: string
  readonly details: Readonly<Record<string, unknown>>
  readonly message: string
}

/** One case's world: a namespace of its own, and everything it opened, closed at its end. */
export class ContractRun extends TestWorld {
  readonly harness: ContractHarness
  readonly capabilities: Capabilities
  readonly times: ContractTimes
  readonly many: number
  readonly logs: LogLine[] = []
  readonly #drivers: RegistryDriver[] = []
  readonly #sessions: DriverSession[] = []

  constructor(
    harness: ContractHarness,
    capabilities: Capabilities,
    times: ContractTimes,
    many: number,
  ) {
    super({ ...times, name: 'contract' })
    this.harness = harness
    this.capabilities = capabilities
    this.times = times
    this.many = many
  }

  /** A registry over the link that faults spoil. */
  registry(options: RegistryOptions = {}, namespace: string = this.namespace): Registry {
    return this.open(this.harness.connect(namespace), options)
  }

  /** A registry whose link stays whole. */
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
    return super.open(factory, { logger, ...options })
  }

  /**
   * A driver over the link that faults spoil, for what a registry does not show. Disposed of with
   * the run. `context` changes what it is given.
   */
  driver(context: Partial<DriverContext> = {}): RegistryDriver {
    const { harness, namespace } = this
    const factory = harness.connectSteady?.(namespace) ?? harness.connect(namespace)
    return this.keep(factory({ ...createDriverContext(), ...context }))
  }

  /** A driver whose link stays whole. Disposed of with the run. */
  directDriver(): RegistryDriver {
    const factory = this.harness.connectDirect?.(this.namespace)
    return factory === undefined ? this.driver() : this.keep(factory(createDriverContext()))
  }

  /** A session of `driver` with a ttl that no case outlives. Closed with the run. */
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
    // a session that a case has ended, or whose link is cut, has nothing to close
    const closing = this.#sessions.map((session) => session.close(soon(1_000)).catch(() => {}))
    await Promise.all(closing)
    await Promise.all(this.#drivers.map((driver) => driver[Symbol.asyncDispose]()))
    await super[Symbol.asyncDispose]()
  }

  /** A registry that counts what reaches its driver. */
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

  /** What a write takes to be seen by another client: at once, where lists are linearizable. */
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

/** Counts what is asked of the driver, and the sessions that it gave; probes ask for nothing. */
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
