import { patchInstance } from './model/validate-instance.ts'
import type { InstanceHealth, InstancePatch, ServiceInstance } from './model/service-instance.ts'
import type { DesiredRegistration } from './registration/desired-registration.ts'
import type { RegistrationStatus } from './registration/registration-state.ts'
import type { RegistrationSupervisor } from './registration/registration-supervisor.ts'

/** `signal` ends the wait for a result with its reason. */
export interface WaitOptions {
  readonly signal?: AbortSignal | undefined
}

/**
 * One registered instance. It stays registered through every outage, until `deregister` or the
 * registry's `close`. `status` and `statuses()` report whether the backend agrees.
 */
export class Registration implements AsyncDisposable {
  readonly #supervisor: RegistrationSupervisor
  readonly #desired: DesiredRegistration
  readonly #check: (instance: ServiceInstance) => void

  /** @internal Created by `Registry.register`. */
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
  /** The desired instance, including the last update and adopted edits by operators. */
  get instance(): ServiceInstance {
    return this.#desired.instance
  }
  /** The current status. No I/O. */
  get status(): RegistrationStatus {
    return this.#desired.status.value
  }

  /**
   * Yields the current status, then each later one; a slow reader gets only the latest. Ends after a
   * final status (`superseded`, `failed`, `closed`). Throws the signal's reason when it aborts.
   */
  statuses(options: WaitOptions = {}): AsyncGenerator<RegistrationStatus, void, void> {
    return this.#desired.status.follow(options.signal)
  }

  /**
   * Replaces the named fields in place: no watcher sees the instance leave. The desired state changes
   * at once and survives recovery; the promise resolves when the backend has acknowledged a state that
   * includes it, with no deadline. The signal ends only the wait; the update stays.
   * @throws RegistryError `invalid-argument` before anything changes, also for a record that is too
   * large; `conflict` when superseded; `closed` when deregistered or the registry is closed
   */
  async update(patch: InstancePatch, options: WaitOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    const instance = patchInstance('update', this.#desired.instance, patch)
    this.#check(instance)
    if (this.#desired.final || this.#desired.deregistered)
      throw this.#desired.error(this.status.state === 'superseded' ? 'conflict' : 'closed')
    await this.#supervisor.edit(this.#desired, instance, patch.health, options.signal)
  }

  /**
   * Publishes whether the instance wants new calls, like `update({ health })`. Balancers skip an
   * instance that is not passing. Where the registration has a check, `draining` and `failing` hold
   * until `setHealth('passing')`; from then on the health is again the check's outcome.
   *
   * Signal and errors as `update`.
   */
  async setHealth(health: InstanceHealth, options: WaitOptions = {}): Promise<void> {
    await this.update({ health }, options)
  }

  /**
   * Removes the instance. Irrevocable from the call on, whatever happens to the backend. Resolves when
   * no client can list the instance any more, with no deadline. The signal ends only the wait.
   * Idempotent. An instance that is not removed when the registry closes expires with its ttl.
   */
  async deregister(options: WaitOptions = {}): Promise<void> {
    await this.#supervisor.deregister(this.#desired, options.signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.deregister()
  }
}
