import type { InstanceHealth, ServiceInstance } from '../model/service-instance.ts'
import { RegistryError } from '../registry-error.ts'
import { sleep } from '../runtime/abort.ts'
import { Backoff } from '../runtime/backoff.ts'
import { Wake } from '../runtime/wake.ts'
import {
  type Checked,
  type ConflictRule,
  DesiredRegistration,
  type DesiredRegistrationParts,
  highestClaimMs,
} from './desired-registration.ts'
import { RecordAuditor } from './record-auditor.ts'
import { RecordRemover } from './record-remover.ts'
import { RecordWriter } from './record-writer.ts'
import { type RegistrationContext, RegistrationTable } from './registration-table.ts'
import type { OpenSession } from '../session/open-session.ts'
import { SessionKeeper } from '../session/session-keeper.ts'
import type { SessionState } from '../session/session-state.ts'

/**
 * Makes the backend match what the user registered and deregistered. One loop keeps a session open, and
 * writes and removes in it in rounds, so that this process never has two writes to one id in flight.
 * Heartbeats and audits run beside the loop: an audit of thousands of records delays no write.
 */
export class RegistrationSupervisor {
  readonly #context: RegistrationContext
  readonly #table: RegistrationTable
  readonly #writer: RecordWriter
  readonly #remover: RecordRemover
  readonly #auditor: RecordAuditor
  readonly #keeper: SessionKeeper
  readonly #wake = new Wake()
  readonly #stop = new AbortController()
  readonly #onTrouble: (cause: RegistryError) => void
  /** The registrations whose recovery is not logged one by one. */
  readonly #quiet = new WeakSet<DesiredRegistration>()
  // one of each for thousands of registrations
  readonly #onStatus: DesiredRegistrationParts['onStatus'] = (registration, retry) =>
    this.#publishStatus(registration, retry)
  readonly #onAcknowledged: DesiredRegistrationParts['onAcknowledged'] = (
    { instance: { service, id } },
    durationMs,
  ) =>
    this.#context.publish('write', 'unlogged', 'write-acknowledged', '', {
      service,
      id,
      durationMs,
    })
  #loop: Promise<void> | undefined
  #auditing: Promise<void> | undefined

  /** `onTrouble` is called on every sign that the backend is not well. */
  constructor(context: RegistrationContext, onTrouble: (cause: RegistryError) => void) {
    this.#context = context
    this.#table = new RegistrationTable(context)
    this.#writer = new RecordWriter(context, this.#table)
    this.#remover = new RecordRemover(context, this.#table)
    this.#auditor = new RecordAuditor(context, this.#table)
    this.#keeper = new SessionKeeper(
      context,
      {
        opened: () => {
          this.#table.markAllDirty()
          this.#wake.notify()
        },
        lost: (cause) => {
          for (const desired of this.#table.desired()) desired.disturb(cause)
          this.#wake.notify()
        },
        partLost: () => this.#wake.notify(),
        recovered: () => {
          this.#table.makeDue()
          this.#wake.notify()
        },
        // a denial is permanent and says nothing about the instances of others
        troubled: (cause) => {
          if (cause.retryable) onTrouble(cause)
        },
        refused: (cause) => this.#refuse(cause),
        closed: (sessionId) => {
          this.#table.sessionClosed(sessionId)
          this.#wake.notify()
        },
      },
      this.#stop.signal,
    )
    this.#onTrouble = onTrouble
  }

  get state(): SessionState {
    return this.#keeper.state
  }
  /** The live session, or the last live one. */
  get latestSession(): OpenSession | undefined {
    return this.#keeper.latest
  }
  /** How many ids are waiting to be removed. */
  get tombstones(): number {
    return [...this.#table.all()].filter((entry) => entry.desired === undefined).length
  }
  /** Everything desired, in the order of registration, then what other owners took over. */
  registrations(): readonly DesiredRegistration[] {
    return [...this.#table.desired(), ...this.#table.superseded()]
  }

  register(
    instance: ServiceInstance,
    onConflict: ConflictRule,
    checked: Checked = { health: 'passing' },
  ): DesiredRegistration {
    const { backend, clock, owner } = this.#context
    const held = this.#table.get(instance.service, instance.id)?.desired
    // a zero claim loses to every other claim
    const claimedAtMs =
      onConflict === 'yield'
        ? 0
        : Math.max(
            clock.nowMs(),
            held === undefined ? 0 : Math.min(held.claim.claimedAtMs + 1, highestClaimMs),
          )
    const desired = new DesiredRegistration({
      backend,
      clock,
      instance,
      claim: { owner, claimedAtMs, seq: 0 },
      onConflict,
      checked,
      onStatus: this.#onStatus,
      onAcknowledged: this.#onAcknowledged,
    })
    if (held !== undefined && onConflict !== 'takeover') throw held.error('conflict', desired.claim)
    this.#table.add(desired)
    held?.supersede(held.error('conflict', desired.claim))
    this.#start()
    return desired
  }

  /** Replaces the instance, except for its health unless `health` is given. */
  edit(
    desired: DesiredRegistration,
    instance: ServiceInstance,
    health?: InstanceHealth,
    signal?: AbortSignal,
  ): Promise<void> {
    const version = desired.edit(instance, health)
    const entry = this.#table.get(instance.service, instance.id)
    if (entry?.desired === desired) {
      this.#table.toWrite.add(entry)
      this.#start()
    }
    return desired.acknowledged(version, signal)
  }

  /** Takes an outcome of the registration's check, and writes the health if it changes. */
  takeCheck(desired: DesiredRegistration, checked: Checked): void {
    const { service, id } = desired.instance
    const { health, failure: cause } = checked
    const why = cause === undefined ? '' : `: ${cause.message}`
    const level = health === 'failing' ? 'warn' : 'info'
    const message = `the check of ${service}/${id} is ${health}${why}`
    this.#context.publish('registration', level, `check-${health}`, message, { service, id, cause })
    // a registration that has ended needs no health
    if (desired.takeCheck(checked)) this.edit(desired, desired.instance).catch(() => {})
  }

  /**
   * Irrevocable at once. Resolves when no record of the registration can be listed any more. `signal`
   * ends only the wait.
   */
  deregister(desired: DesiredRegistration, signal?: AbortSignal): Promise<void> {
    const { service, id } = desired.instance
    const entry = this.#table.get(service, id)
    desired.deregister()
    this.#table.forgetSuperseded(desired)
    if (entry === undefined) return Promise.resolve()
    if (entry.desired === desired) {
      const gone = entry.gone(signal)
      this.#table.takeBack(entry)
      this.#start()
      return gone
    }
    // a failed one may have a create in flight, or a record that is being removed or replaced
    const pending = entry.desired === undefined || entry.leaving.has(desired)
    return pending ? entry.gone(signal) : Promise.resolve()
  }

  /** Deregisters everything and stops; bounded by `signal`. */
  async close(signal: AbortSignal): Promise<void> {
    const { backend } = this.#context
    const closed = new RegistryError('closed', {
      backend,
      operation: 'close',
      message: 'the registry is being closed',
    })
    for (const desired of this.registrations()) {
      desired.deregister()
      this.#table.forgetSuperseded(desired)
    }
    this.#stop.abort(closed)
    this.#keeper.retire(closed)
    this.#wake.notify()
    await this.#loop
    await this.#auditing
    // a session whose opening was just answered may have become live meanwhile
    this.#keeper.retire(closed)
    this.#keeper.closed()
    let refused = false
    await this.#keeper.retired.closeAll(signal, async (session) => {
      refused = true
      await this.#remover.removeAll(session.driverSession, signal)
    })
    this.#forgetAll(signal.aborted || refused)
  }

  /** Drops every entry; a record whose removal is not acknowledged expires with its ttl. */
  #forgetAll(incomplete: boolean): void {
    const { backend, publish } = this.#context
    const unacknowledged = incomplete && this.#table.size > 0
    const unanswered = new RegistryError('unavailable', {
      backend,
      operation: 'deregister',
      message:
        'the registry was closed before the backend acknowledged the removal; the record expires after its ttl',
    })
    if (unacknowledged)
      publish(
        'session',
        'warn',
        'close-unacknowledged',
        'the backend did not acknowledge the deregistrations; the records expire after their ttl',
        { instances: this.#table.size },
      )
    for (const entry of [...this.#table.all()]) {
      this.#table.takeBack(entry)
      if (unacknowledged) entry.settleRemoval(unanswered)
      this.#table.acknowledgeRemoval(entry)
    }
  }

  #start(): void {
    this.#wake.notify()
    this.#loop ??= this.#run()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    const { clock, random, backoff: bounds } = this.#context
    const backoff = new Backoff(bounds, clock, random)
    for (;;) {
      await this.#wake.wait(clock, this.#nextDueMs())
      if (signal.aborted) return
      try {
        await this.#step()
        backoff.succeeded()
      } catch (thrown) {
        // must neither end the loop nor spin
        this.#publishBug(thrown)
        await sleep(clock, backoff.nextDelayMs(), signal).catch(() => {})
      }
    }
  }

  /** Rounds and audits handle their own failures. */
  #publishBug(thrown: unknown): void {
    const { backend, publish } = this.#context
    const cause = RegistryError.from(thrown, { backend, operation: 'supervise' })
    publish('session', 'error', 'supervisor-failed', cause.message, { cause })
  }

  async #step(): Promise<void> {
    const { state, retired } = this.#keeper
    if (state.name !== 'live') {
      retired.releaseDropped()
      if (this.#table.size === 0) this.#keeper.unneeded()
      else await this.#keeper.open()
      return
    }
    const { session } = state
    await Promise.all([this.#writer.writeDue(session), this.#remover.removeDue(session)])
    if (session.signal.aborted) return
    retired.releaseDropped()
    if (this.#table.isSettled(session)) retired.release()
    const now = this.#context.clock.monotonicMs()
    if (!this.#table.needsFence(session)) this.#keeper.cancelRotation()
    else if (now >= this.#keeper.planRotation()) {
      await this.#keeper.rotate(session)
      return
    }
    if (this.#auditing === undefined && now >= session.auditDueMs)
      this.#auditing = this.#audit(session)
  }

  /** Never rejects. */
  async #audit(session: OpenSession): Promise<void> {
    session.scheduleAudit()
    try {
      const unanswered = await this.#auditor.audit(session)
      if (session.signal.aborted) return
      if (unanswered?.code === 'session-lost') session.lose(unanswered)
      else if (unanswered !== undefined) {
        session.repeatAudit()
        this.#context.availability.failed(unanswered)
        this.#onTrouble(unanswered)
      }
    } catch (thrown) {
      this.#publishBug(thrown)
    } finally {
      this.#auditing = undefined
      this.#wake.notify()
    }
  }

  /** A permanent refusal ends registrations that were never written; the others keep retrying. */
  #refuse(cause: RegistryError): void {
    for (const entry of [...this.#table.all()]) {
      const { desired } = entry
      if (desired === undefined) continue
      if (cause.retryable || desired.everWritten) desired.disturb(cause)
      else {
        this.#table.release(entry)
        desired.fail(cause)
      }
    }
    // nothing may be left to register, and then no session is needed
    this.#wake.notify()
  }

  #nextDueMs(): number {
    const { state, retired, openDueMs } = this.#keeper
    if (state.name !== 'live') {
      if (this.#table.size === 0) return Number.POSITIVE_INFINITY
      return Math.min(openDueMs, retired.nextDueMs)
    }
    const { session } = state
    const rotateMs = this.#table.needsFence(session)
      ? this.#keeper.planRotation()
      : Number.POSITIVE_INFINITY
    const auditDueMs = this.#auditing === undefined ? session.auditDueMs : Number.POSITIVE_INFINITY
    return Math.min(this.#table.nextDueMs, rotateMs, auditDueMs, retired.nextDueMs)
  }

  /** A recovery that an outage explains is logged with the outage, once for all instances. */
  #statusLevel(desired: DesiredRegistration): 'debug' | 'info' | 'warn' {
    const { state } = desired.status.value
    if (state === 'superseded' || state === 'failed') return 'warn'
    if (state === 'recovering') {
      const { state: backend } = this.#context.availability
      if (backend === 'answering') return 'warn'
      this.#quiet.add(desired)
      return 'debug'
    }
    return this.#quiet.delete(desired) ? 'debug' : 'info'
  }

  #publishStatus(desired: DesiredRegistration, retry: boolean): void {
    const { status, instance } = desired
    const { service, id } = instance
    const { state, cause } = status.value
    const event = retry ? 'registration-retry' : `registration-${state}`
    const level = retry ? 'debug' : this.#statusLevel(desired)
    this.#context.publish('registration', level, event, `${service}/${id} is ${state}`, {
      service,
      id,
      cause,
    })
  }
}
