import { createPicker, type Pick, type Picker, type PickOptions, RetryBudget } from '@sd/balancer'
import { type Discovery, type InstanceChange, RegistryError, type Watcher } from '@sd/core'
import { CallError } from './call-error.ts'
import { Refusals } from './refusals.ts'
import type { ServiceSettings } from './service-settings.ts'

/** The connections to the instances of one service, controlled by the service's route. */
export interface Connections {
  /** The set of instances that can be picked changed. Those that left it get no new requests. */
  apply(changes: readonly InstanceChange[]): void
  /** Called once per idle time. Connections unused since the last call may be closed. */
  sweep(): void
  /** Finishes requests under way, then closes. */
  close(): Promise<void>
  /** Closes immediately. */
  destroy(error: Error): Promise<void>
}

/** One service: its watch, the picks, and the connections to its instances. */
export class ServiceRoute<C extends Connections = Connections> {
  readonly service: string
  readonly settings: ServiceSettings
  readonly connections: C
  readonly budget: RetryBudget
  readonly refusals: Refusals
  /** Calls under way and upgraded connections. */
  active = 0
  /** Set by each call, reset by the sweep. */
  used = true
  readonly #picker: Picker
  readonly #watcher: Watcher
  readonly #waiting = new Set<() => void>()
  readonly #onEnd: () => void
  #synced = false
  #ended: CallError | undefined

  /**
   * `onEnd` is called when the watch ends by itself because the registry was closed.
   * @throws RegistryError of the watch or the balancer
   */
  constructor(
    discovery: Discovery,
    service: string,
    settings: ServiceSettings,
    connections: C,
    onEnd: () => void,
  ) {
    this.service = service
    this.settings = settings
    this.connections = connections
    this.budget = new RetryBudget(settings.budget)
    this.#onEnd = onEnd
    this.#picker = createPicker({ ...settings.balancer, service })
    this.refusals = new Refusals(this.#picker)
    try {
      this.#watcher = discovery.watch(service)
    } catch (error) {
      this.#picker.close()
      throw error
    }
    void this.#follow()
  }

  /** Whether the registry has reported the service, or the watch has ended. */
  get ready(): boolean {
    return this.#synced || this.#ended !== undefined
  }

  /** Calls `callback` once `ready`. Returns a function that cancels it. */
  whenReady(callback: () => void): () => void {
    this.#waiting.add(callback)
    return () => this.#waiting.delete(callback)
  }

  /** @throws RegistryError, saying why no instance can be picked */
  pick(options: PickOptions): Pick {
    if (this.#ended !== undefined) throw this.#ended
    try {
      return this.#picker.pick(options)
    } catch (error) {
      if (this.refusals.resumeAll())
        try {
          return this.#picker.pick(options)
        } catch {
          // the first error gives the reason
        }
      throw error
    }
  }

  /** For error messages: since when the registry has been unreachable. */
  get outage(): string {
    const { stale } = this.#watcher
    if (stale === undefined) return ''
    return `; the registry has been unreachable since ${stale.since.toISOString()}: ${stale.cause.message}`
  }

  /** The error of a call that waited too long for the registry. */
  unheard(): CallError {
    const { stale } = this.#watcher
    return new CallError('unavailable', {
      service: this.service,
      attempts: 0,
      message: `the registry has not answered for the service within ${this.settings.discoveryMs} ms${this.outage}`,
      cause: stale?.cause,
    })
  }

  /** Releases the watch, and the connections once their requests have ended. */
  close(): Promise<void> {
    this.#stop(undefined)
    return this.connections.close()
  }

  /** Releases the watch and the connections immediately. */
  destroy(error: Error): Promise<void> {
    this.#stop(error)
    return this.connections.destroy(error)
  }

  async #follow(): Promise<void> {
    try {
      for await (const event of this.#watcher) {
        if (event.type === 'stale') continue
        const changes = this.#picker.apply(event.changes)
        this.connections.apply(changes)
        for (const { type, instance } of changes)
          if (type !== 'added') this.refusals.forget(instance.id)
        this.#synced = true
        this.#wake()
      }
      this.#stop(undefined)
    } catch (error) {
      this.#stop(error)
    }
    this.#onEnd()
  }

  #stop(cause: unknown): void {
    if (this.#ended !== undefined) return
    this.#ended =
      cause instanceof CallError
        ? cause
        : new CallError(cause instanceof RegistryError ? cause.code : 'closed', {
            service: this.service,
            attempts: 0,
            message:
              'the watch of the service has ended: the dispatcher or the registry was closed',
            cause,
          })
    this.#watcher.close()
    this.#picker.close()
    this.refusals.close()
    this.#wake()
  }

  #wake(): void {
    if (this.#waiting.size === 0) return
    const callbacks = [...this.#waiting]
    this.#waiting.clear()
    for (const callback of callbacks) callback()
  }
}
