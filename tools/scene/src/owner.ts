import { type InstanceInput, Registry, type Registration } from '@sd/core'
import type { DriverFactory, RegistryDriver } from '@sd/core/driver'
import { Link } from './link.ts'

/** Short, to keep the scene short. */
export const ttlMs = 2_000

/** Common options of the scene's registries. */
export const options = {
  ttlMs,
  closeTimeoutMs: 1_000,
  backoff: { minMs: 50, maxMs: 500 },
} as const

/** The owner of one instance of the scene: a separate process, or a registry in this one. */
export interface Owner {
  register(instance: InstanceInput): Promise<void>
  update(weight: number): Promise<void>
  /** Disconnects from the registry, until `heal`. */
  cut(): Promise<void>
  heal(): Promise<void>
  state(): Promise<string>
  deregister(): Promise<void>
  /** Ends without deregistering. */
  crash(): Promise<void>
  close(): Promise<void>
}

/** An owner in this process. */
export class LocalOwner implements Owner {
  readonly #link = new Link()
  readonly #registry: Registry
  #registration: Registration | undefined

  constructor(source: DriverFactory | RegistryDriver) {
    this.#registry = new Registry(
      this.#link.over(typeof source === 'function' ? source : () => source),
      options,
    )
  }

  async register(instance: InstanceInput): Promise<void> {
    this.#registration = await this.#registry.register(instance)
  }

  async update(weight: number): Promise<void> {
    await this.#registration?.update({ weight })
  }

  async cut(): Promise<void> {
    this.#link.cut()
  }

  async heal(): Promise<void> {
    this.#link.heal()
  }

  async state(): Promise<string> {
    return this.#registration?.status.state ?? 'closed'
  }

  async deregister(): Promise<void> {
    await this.#registration?.deregister()
  }

  /** The closest equivalent within one process: the link is cut for ever. */
  async crash(): Promise<void> {
    this.#link.cut()
  }

  async close(): Promise<void> {
    await this.#registry.close()
  }
}
