import { patchInstance } from './model/validate-instance.ts'
import type { InstancePatch, ServiceInstance } from './model/service-instance.ts'
import type { DesiredRegistration } from './registration/desired-registration.ts'
import type { RegistrationStatus } from './registration/registration-state.ts'
import type { RegistrationSupervisor } from './registration/registration-supervisor.ts'

/** Ends the waiting for a result, with the signal's reason. */
export interface WaitOptions {
  readonly signal?: AbortSignal | undefined
}

/**
 * One registered instance. It is kept registered through every outage, until `deregister` or the
 * registry's `close`. `status` and `statuses()` say how far the backend agrees.
 */
export class Registration implements AsyncDisposable {
  readonly #supervisor: RegistrationSupervisor
  readonly #desired: DesiredRegistration
  readonly #check: (instance: ServiceInstance) => void

  /** @internal Made by `Registry.register`. */
  constructor(
    supervisor: RegistrationSupervisor,
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
  /** The desired instance, with the last update and with edits by operators that were adopted. */
  get instance(): ServiceInstance {
    return this.#desired.instance
  }
  /** The present status. No I/O. */
  get status(): RegistrationStatus {
    return this.#desired.status.value
  }

  /**
   * The present status, then each later one; a slow reader sees only the latest. Ends after a
   * final status (`superseded`, `failed`, `closed`). Aborting the signal makes it throw the reason.
   */
  statuses(options: WaitOptions = {}): AsyncGenerator<RegistrationStatus, void, void> {
    return this.#desired.status.follow(options.signal)
  }

  /**
   * Replaces the named fields in place: no watcher sees the instance leave. The desired state changes
   * at once and survives recovery; the promise resolves when the backend has acknowledged a state that
   * includes it, with no deadline. The signal ends only the waiting: the update stays.
   * @throws RegistryError `invalid-argument` before anything changes, also for a record that is too
   * large; `conflict` when superseded; `closed` when deregistered or the registry is closed
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
   * Takes the instance out. Irrevocable from the call on, whatever happens to the backend; the
   * promise resolves when no client can list the instance any more, with no deadline. The signal ends
   * only the waiting. Idempotent. What is not removed when the registry closes leaves with its ttl.
   */
  async deregister(options: WaitOptions = {}): Promise<void> {
    await this.#supervisor.deregister(this.#desired, options.signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.deregister()
  }
}
