import type { PutRequest } from '../driver/registry-driver.ts'
import type { Claim } from '../model/claim.ts'
import type { InstanceRecord } from '../model/instance-record.ts'
import type { InstanceHealth, ServiceInstance } from '../model/service-instance.ts'
import { RegistryError } from '../registry-error.ts'
import type { Clock } from '../runtime/clock.ts'
import { ConflatedValue } from '../runtime/conflated-value.ts'
import { clockToleranceMs } from '../runtime/timing.ts'
import { Waiters } from '../runtime/waiters.ts'
import {
  isFinal,
  nextRegistrationState,
  type RegistrationEvent,
  type RegistrationStatus,
} from './registration-state.ts'

/** What to do when an id is held: replace the holder, be refused, or yield to every other owner. */
export type ConflictRule = 'takeover' | 'reject' | 'yield'

/** The highest time that a claim can carry: formats write it as a JSON number. */
export const highestClaimMs: number = Number.MAX_SAFE_INTEGER

/** What the check of an instance says, and why it fails. */
export interface Checked {
  readonly health: 'passing' | 'failing'
  readonly failure?: RegistryError
}

/** The constructor parameters of `DesiredRegistration`. */
export interface DesiredRegistrationParts {
  readonly backend: string
  readonly clock: Clock
  readonly instance: ServiceInstance
  readonly claim: Claim
  readonly onConflict: ConflictRule
  /** The outcome of its check; `passing` if it has none. */
  readonly checked: Checked
  /** Called on every change of state and, with `retry`, on each new cause in the same state. */
  readonly onStatus: (registration: DesiredRegistration, retry: boolean) => void
  /**
   * Called when the backend has acknowledged all that is desired. `durationMs`: since the first change,
   * or the loss, that was not acknowledged.
   */
  readonly onAcknowledged: (registration: DesiredRegistration, durationMs: number) => void
}

/**
 * The registration that the user wants under one id, and which version the backend has acknowledged.
 * Every edit raises `version`. A wait for a version ends when that version or a later one is
 * acknowledged.
 */
export class DesiredRegistration {
  readonly onConflict: ConflictRule
  readonly registeredAtMs: number
  readonly status: ConflatedValue<RegistrationStatus>
  readonly #parts: DesiredRegistrationParts
  readonly #calledAtMonotonicMs: number
  readonly #waiters = new Waiters<void, number>()
  #instance: ServiceInstance
  #claim: Claim
  /** Fields that a later version wrote with an edit. */
  #unknownFields: InstanceRecord['unknownFields']
  #version = 1
  #acknowledgedVersion = 0
  /** Since when something is not acknowledged, on the monotonic clock. */
  #unacknowledgedSinceMs: number | undefined
  #deregistered = false
  /** The health that the owner, or an operator, has set. */
  #setHealth: ServiceInstance['health']
  #checked: Checked
  readonly #onEnd: (() => void)[] = []

  constructor(parts: DesiredRegistrationParts) {
    this.#parts = parts
    this.#setHealth = parts.instance.health
    this.#checked = parts.checked
    this.#instance = this.#withHealth(parts.instance)
    this.#claim = parts.claim
    this.onConflict = parts.onConflict
    this.registeredAtMs = parts.clock.nowMs()
    this.#calledAtMonotonicMs = parts.clock.monotonicMs()
    this.#unacknowledgedSinceMs = this.#calledAtMonotonicMs
    this.status = new ConflatedValue<RegistrationStatus>({
      state: 'registering',
      since: new Date(this.registeredAtMs),
    })
  }

  get instance(): ServiceInstance {
    return this.#instance
  }
  get claim(): Claim {
    return this.#claim
  }
  get version(): number {
    return this.#version
  }
  /** Whether the backend ever acknowledged it: from then on its claim is fixed. */
  get everWritten(): boolean {
    return this.#acknowledgedVersion > 0
  }
  get final(): boolean {
    return isFinal(this.status.value.state)
  }
  /** Whether it was deregistered; its status becomes `closed` when the removal is acknowledged. */
  get deregistered(): boolean {
    return this.#deregistered
  }

  request(ttlMs: number): PutRequest {
    const first = !this.everWritten && this.onConflict === 'reject'
    return {
      instance: this.#instance,
      claim: this.#claim,
      mode: first ? 'if-absent' : 'if-newer',
      ttlMs,
      registeredAtMs: this.registeredAtMs,
      ...(this.#unknownFields === undefined ? {} : { unknownFields: this.#unknownFields }),
    }
  }

  /** Why its check fails; `undefined` while it passes, or if there is none. */
  get checkFailure(): RegistryError | undefined {
    return this.#checked.failure
  }

  /**
   * Replaces the instance, except for its health unless `health` is given; returns the version that an
   * acknowledgement must reach.
   */
  edit(instance: ServiceInstance, health?: InstanceHealth): number {
    this.#setHealth = health ?? this.#setHealth
    this.#instance = this.#withHealth(instance)
    this.#claim = { ...this.#claim, seq: this.#claim.seq + 1 }
    this.#version += 1
    this.#unacknowledgedSinceMs ??= this.#parts.clock.monotonicMs()
    return this.#version
  }

  /** Adopts a third party's edit of our record, as if the owner had made it. */
  adopt(record: InstanceRecord): void {
    const { weight, health, tags, metadata } = record.instance
    if (health !== this.#instance.health) this.#setHealth = health
    this.#instance = this.#withHealth({ ...this.#instance, weight, tags, metadata })
    this.#claim = { ...this.#claim, seq: record.claim?.seq ?? this.#claim.seq }
    this.#unknownFields = record.unknownFields
    this.#version += 1
  }

  /** Takes an outcome of its check; returns whether the health of the instance changes with it. */
  takeCheck(checked: Checked): boolean {
    this.#checked = checked
    return this.#health !== this.#instance.health
  }

  /** Calls `callback` when it is deregistered or reaches a final state. */
  onEnd(callback: () => void): void {
    this.#onEnd.push(callback)
  }

  /** `draining` and `failing` that somebody has set go before what the check says. */
  get #health(): ServiceInstance['health'] {
    return this.#setHealth === 'passing' ? this.#checked.health : this.#setHealth
  }

  #withHealth(instance: ServiceInstance): ServiceInstance {
    return Object.freeze({ ...instance, health: this.#health })
  }

  #end(): void {
    for (const callback of this.#onEnd.splice(0)) callback()
  }

  /**
   * Raises the claim above a holder's, before the first success of a takeover. `false` when the
   * holder keeps the id: by the wall clocks it registered after this one while neither could write,
   * or it has the highest possible claim.
   */
  riseAbove(holder: Claim): boolean {
    if (this.everWritten || this.onConflict !== 'takeover') return false
    if (holder.claimedAtMs >= highestClaimMs || this.calledBefore(holder)) return false
    const claimedAtMs = Math.max(this.#claim.claimedAtMs, holder.claimedAtMs + 1)
    this.#claim = { ...this.#claim, claimedAtMs }
    return true
  }

  /** Whether the holder registered after this one, while this one waited to be written. */
  calledBefore({ claimedAtMs }: Claim): boolean {
    const waitedMs = this.#parts.clock.monotonicMs() - this.#calledAtMonotonicMs
    return (
      claimedAtMs > this.registeredAtMs + clockToleranceMs &&
      claimedAtMs <= this.registeredAtMs + waitedMs
    )
  }

  /** Resolves when `version`, which is new, or a later one is acknowledged. */
  acknowledged(version: number, signal?: AbortSignal): Promise<void> {
    return this.#waiters.wait(version, signal)
  }

  /** The backend acknowledged that version, or an audit found it stored. */
  written(version: number): void {
    this.#acknowledgedVersion = Math.max(this.#acknowledgedVersion, version)
    const { state } = this.status.value
    // the first acknowledged version makes it registered, even if later ones are in flight
    if (this.#acknowledgedVersion >= this.#version || state === 'registering')
      this.#happen('written')
    if (this.#acknowledgedVersion >= this.#version && this.#unacknowledgedSinceMs !== undefined) {
      const sinceMs = this.#unacknowledgedSinceMs
      this.#unacknowledgedSinceMs = undefined
      this.#parts.onAcknowledged(this, this.#parts.clock.monotonicMs() - sinceMs)
    }
    this.#waiters.answerAll(undefined, (wanted) => wanted <= this.#acknowledgedVersion)
  }

  /** The backend does not hold the desired state, or its state is unknown; recovery goes on. */
  disturb(cause: RegistryError): void {
    this.#unacknowledgedSinceMs ??= this.#parts.clock.monotonicMs()
    this.#happen('interrupted', cause)
  }

  /** Ends a registration that was never acknowledged and never will be. */
  fail(cause: RegistryError): void {
    this.#happen('refused', cause)
    this.#rejectWaiters(() => cause)
  }

  /** A higher claim holds the id. */
  supersede(cause: RegistryError): void {
    this.#happen('superseded', cause)
    this.#rejectWaiters(() => cause)
  }

  /** The user deregisters it: pending waits for an acknowledgement reject. */
  deregister(): void {
    this.#deregistered = true
    this.#end()
    this.#rejectWaiters(() => this.error('closed'))
  }

  /** No record of it can be stored any more. */
  removed(): void {
    this.#happen('removed')
  }

  error(code: 'conflict' | 'closed', holder?: Claim): RegistryError {
    const { service, id } = this.#instance
    return new RegistryError(code, {
      backend: this.#parts.backend,
      operation: 'register',
      service,
      message:
        code === 'conflict'
          ? this.#conflict(holder)
          : `the registration of id ${JSON.stringify(id)} is closed; register again`,
    })
  }

  #conflict(holder: Claim | undefined): string {
    const id = JSON.stringify(this.#instance.id)
    const owner = holder === undefined ? '' : ` (owner ${holder.owner})`
    if (holder !== undefined && holder.claimedAtMs >= highestClaimMs)
      return `id ${id} is held by a record whose claim is the highest possible${owner}, so it cannot be taken over; remove that record from the backend`
    return `id ${id} is held by another registration${owner}; deregister it first, choose another id, or register with onConflict: 'takeover'`
  }

  #happen(event: RegistrationEvent, cause?: RegistryError): void {
    const before = this.status.value
    const state = nextRegistrationState(before.state, event)
    if (state === before.state && before.cause === cause) return
    const since = state === before.state ? before.since : new Date(this.#parts.clock.nowMs())
    this.status.set({ state, since, ...(cause === undefined ? {} : { cause }) }, isFinal(state))
    if (isFinal(state)) this.#end()
    this.#parts.onStatus(this, state === before.state)
  }

  /** Creates `reason` only if there are waiters: a thousand stack traces make a close slow. */
  #rejectWaiters(reason: () => RegistryError): void {
    if (this.#waiters.size > 0) this.#waiters.failAll(reason())
  }
}
