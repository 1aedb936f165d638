import { patchInstance } from './model/validate-instance.ts'
import type { InstancePatch, ServiceInstance } from './model/service-instance.ts'
import type { DesiredRegistration } from './supervisor/registration/desired-registration.ts'
import type { RegistrationStatus } from './supervisor/registration/registration-state.ts'
import type { SessionSupervisor } from './supervisor/session-supervisor.ts'

/** Ends a wait; never what was asked for. */
export interface WaitOptions {
  readonly signal?: AbortSignal | undefined
}

/**
 * One registered instance. It is kept registered, through every outage, until `deregister` or
 * the registry's `close`; `status` and `statuses()` tell how that goes.
 */
export class Registration implements AsyncDisposable {
  readonly #supervisor: SessionSupervisor
  readonly #desired: DesiredRegistration
  readonly #check: (instance: ServiceInstance) => void

  /** @internal Made by `Registry.register`. */
  constructor(
    supervisor: SessionSupervisor,
    desired: DesiredRegistration,
    check: (instance: ServiceInstance) => void,
  ) {
    this.#supervisor = supervisor
    this.#desired = desired
    this.#check = check
  }

  get service(): string {
    return this.#desired.instance.service
  }
  get id(): string {
    return this.#desired.instance.id
  }
  /** What is desired to stand in the registry, the last update included. */
  get instance(): ServiceInstance {
    return this.#desired.instance
  }
  get status(): RegistrationStatus {
    return this.#desired.status.value
  }

  /**
   * The present status, then each later one; a slow reader sees only the latest. Ends after a
   * final status (`superseded`, `failed`, `closed`); rejects with `signal.reason`.
   */
  statuses(options: WaitOptions = {}): AsyncGenerator<RegistrationStatus, void, void> {
    return this.#desired.status.follow(options.signal)
  }

  /**
   * Replaces the named fields, in place: no watcher sees the instance leave. The desired state
   * changes at once and survives recovery; the promise resolves when a state including it was
   * acknowledged. The signal ends only the waiting.
   * @throws RegistryError `invalid-argument`, `conflict` when superseded, `closed` when deregistered
   */
  async update(patch: InstancePatch, options: WaitOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    const instance = patchInstance('update', this.#desired.instance, patch)
    this.#check(instance)
    if (this.#desired.final || this.#desired.deregistered)
      throw this.#desired.error(this.status.state === 'superseded' ? 'conflict' : 'closed')
    await this.#supervisor.edit(this.#desired, instance, options.signal)
  }

  /**
   * Takes the instance out. Irrevocable when called, whatever happens to the backend; the promise
   * resolves when no client can list it any more. The signal ends only the waiting. Idempotent.
   */
  async deregister(options: WaitOptions = {}): Promise<void> {
    await this.#supervisor.deregister(this.#desired, options.signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.deregister()
  }
}
