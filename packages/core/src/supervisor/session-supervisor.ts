import type { ServiceInstance } from '../model/service-instance.ts'
import { RegistryError } from '../registry-error.ts'
import { Backoff } from '../runtime/backoff.ts'
import { Wake } from '../runtime/wake.ts'
import { type ConflictRule, DesiredRegistration } from './desired-registration.ts'
import { LiveSession } from './live-session.ts'
import { RetiredSessions } from './retired-sessions.ts'
import { RetryPolicy } from './retry-policy.ts'
import { nextSessionState, type SessionEvent, type SessionState } from './session-state.ts'
import { SlotAuditor } from './slot-auditor.ts'
import { SlotRemover } from './slot-remover.ts'
import { SlotTable } from './slot-table.ts'
import { SlotWriter } from './slot-writer.ts'
import type { SupervisorContext } from './supervisor-context.ts'

/**
 * Makes the backend agree with what the user registered and took back, for ever. One loop does
 * all the work, so that no two writes of ours to one id are ever on their way together; heartbeats
 * run beside it and never queue behind it.
 */
export class SessionSupervisor {
  readonly #context: SupervisorContext
  readonly #table = new SlotTable()
  readonly #retry: RetryPolicy
  readonly #writer: SlotWriter
  readonly #remover: SlotRemover
  readonly #auditor: SlotAuditor
  readonly #retired: RetiredSessions
  readonly #openBackoff: Backoff
  readonly #wake = new Wake()
  readonly #stop = new AbortController()
  readonly #onTrouble: (cause: RegistryError) => void
  #state: SessionState = { name: 'idle' }
  #loop: Promise<void> | undefined
  #auditAtMs = Number.POSITIVE_INFINITY
  #rotateAtMs = 0
  #renewedAtMs: number | undefined
  #troubled: RegistryError | undefined

  /** `onTrouble` hears of every sign that the backend is not well. */
  constructor(context: SupervisorContext, onTrouble: (cause: RegistryError) => void) {
    const { clock, random, backoff } = context
    this.#context = context
    this.#onTrouble = onTrouble
    this.#retry = new RetryPolicy(clock, random, backoff)
    this.#writer = new SlotWriter(context, this.#table, this.#retry)
    this.#remover = new SlotRemover(context, this.#table, this.#retry)
    this.#auditor = new SlotAuditor(context, this.#table)
    this.#openBackoff = new Backoff(backoff, clock, random)
    this.#retired = new RetiredSessions(context, (sessionId) => {
      this.#table.sessionClosed(sessionId)
      this.#wake.notify()
    })
  }

  get state(): SessionState {
    return this.#state
  }
  /** Wall-clock time of the last acknowledged heartbeat. */
  get renewedAtMs(): number | undefined {
    return this.#renewedAtMs
  }
  /** The last failed heartbeat since the last good one. */
  get troubled(): RegistryError | undefined {
    return this.#troubled
  }
  /** How many ids are waiting to be removed. */
  get tombstones(): number {
    return [...this.#table.all()].filter((slot) => slot.desired === undefined).length
  }
  /** Everything desired, in the order it was registered. */
  desired(): readonly DesiredRegistration[] {
    return [...this.#table.all()].flatMap((slot) => slot.desired ?? [])
  }

  register(instance: ServiceInstance, onConflict: ConflictRule): DesiredRegistration {
    const { backend, clock, owner, publish } = this.#context
    const held = this.#table.get(instance.service, instance.id)?.desired
    // a zero claim loses to every other claim
    const claimedAtMs =
      onConflict === 'yield'
        ? 0
        : Math.max(clock.nowMs(), held === undefined ? 0 : held.claim.claimedAtMs + 1)
    const desired = new DesiredRegistration({
      backend,
      clock,
      instance,
      claim: { owner, claimedAtMs, seq: 0 },
      onConflict,
      onStatus: ({ status, instance: { service, id } }, retry) => {
        const { state, cause } = status.value
        const bad = state === 'recovering' || state === 'failed'
        const level = retry ? 'debug' : bad ? 'warn' : 'info'
        const event = retry ? 'registration-retry' : `registration-${state}`
        publish('registration', level, event, `${service}/${id} is ${state}`, {
          service,
          id,
          cause,
        })
      },
    })
    if (held !== undefined) {
      const cause = held.error('conflict', desired.claim)
      if (onConflict !== 'takeover') throw cause
      held.outranked(cause)
    }
    this.#table.want(desired)
    this.#kick()
    return desired
  }

  edit(desired: DesiredRegistration, instance: ServiceInstance): Promise<void> {
    const version = desired.edit(instance)
    const slot = this.#table.get(instance.service, instance.id)
    if (slot?.desired === desired) {
      this.#table.toPut.add(slot)
      this.#kick()
    }
    return desired.acknowledged(version)
  }

  /** Irrevocable at once; the promise tells when nothing of it can be listed any more. */
  deregister(desired: DesiredRegistration): Promise<void> {
    const { service, id } = desired.instance
    const slot = this.#table.get(service, id)
    desired.deregister()
    if (slot === undefined) return Promise.resolve()
    if (slot.desired === desired) {
      const gone = slot.gone()
      this.#table.bury(slot)
      this.#kick()
      return gone
    }
    // one that failed may have left a create on its way, or a record that is being removed
    const pending = slot.desired === undefined || slot.leaving.has(desired)
    return pending ? slot.gone() : Promise.resolve()
  }

  /** Takes everything back and ends; bounded by `signal`. */
  async close(signal: AbortSignal): Promise<void> {
    const { backend } = this.#context
    const closed = new RegistryError('closed', {
      backend,
      operation: 'close',
      message: 'the registry is being closed',
    })
    for (const desired of this.desired()) desired.deregister()
    this.#stop.abort(closed)
    this.#retire(closed)
    this.#wake.notify()
    await this.#loop
    // an opening or a rotation that was answered just before may have become live meanwhile
    this.#retire(closed)
    this.#become({ type: 'closed' })
    await this.#retired.closeAll(signal)
    const unacknowledged = signal.aborted && this.#table.size > 0
    const unanswered = new RegistryError('unavailable', {
      backend,
      operation: 'deregister',
      message:
        'the registry was closed before the backend acknowledged the removal; the record leaves with its ttl',
    })
    if (unacknowledged)
      this.#context.publish(
        'session',
        'warn',
        'close-unacknowledged',
        'the backend did not acknowledge the deregistrations in time; they end with their ttl',
        { instances: this.#table.size },
      )
    for (const slot of [...this.#table.all()]) {
      this.#table.bury(slot)
      if (unacknowledged) slot.settleRemoval(unanswered)
      this.#table.acknowledgeRemoval(slot)
    }
  }

  /** What is live ends, and waits to be closed. */
  #retire(reason: RegistryError): void {
    if (this.#state.name !== 'live') return
    this.#state.live.stop(reason)
    this.#retired.add(this.#state.live)
  }

  #kick(): void {
    this.#wake.notify()
    this.#loop ??= this.#run()
  }

  #become(event: SessionEvent): void {
    const before = this.#state
    this.#state = nextSessionState(before, event)
    if (this.#state.name === before.name && event.type !== 'opened') return
    const level = event.type === 'lost' || event.type === 'failed' ? 'warn' : 'debug'
    const cause = 'cause' in event ? event.cause : undefined
    this.#context.publish(
      'session',
      level,
      `session-${this.#state.name}`,
      `session ${event.type}`,
      {
        session: this.#state.name === 'live' ? this.#state.live.id : undefined,
        cause,
      },
    )
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    const { clock } = this.#context
    while (!signal.aborted) {
      await this.#wake.wait(clock, this.#nextDueMs())
      if (signal.aborted) return
      try {
        await this.#step()
      } catch (thrown) {
        // the rounds handle their own failures: this is a bug, and it must not end the loop
        const { backend, publish } = this.#context
        const cause = RegistryError.from(thrown, { backend, operation: 'supervise' })
        publish('session', 'error', 'supervisor-failed', cause.message, { cause })
      }
    }
  }

  async #step(): Promise<void> {
    if (this.#state.name !== 'live') {
      await this.#open()
      return
    }
    const { live } = this.#state
    await Promise.all([this.#writer.writeDue(live), this.#remover.removeDue(live)])
    if (live.signal.aborted) return
    if (this.#everythingSettled(live)) this.#retired.release()
    if (this.#rotationWanted(live) && this.#context.clock.monotonicMs() >= this.#rotateAtMs)
      await this.#rotate(live)
    else if (this.#context.clock.monotonicMs() >= this.#auditAtMs) await this.#audit(live)
  }

  async #open(): Promise<void> {
    const { clock } = this.#context
    if (this.#table.size === 0) {
      // nothing has to stand anywhere, so nothing has to wait for a new session
      this.#retired.release()
      this.#become({ type: 'unneeded' })
      return
    }
    if (this.#state.name === 'waiting' && clock.monotonicMs() < this.#state.untilMs) return
    this.#become({ type: 'wanted' })
    try {
      this.#opened(await this.#openSession())
    } catch (thrown) {
      if (this.#stop.signal.aborted) return
      const cause = RegistryError.from(thrown, {
        backend: this.#context.backend,
        operation: 'open-session',
      })
      this.#refuse(cause)
      const delayMs = cause.retryable
        ? this.#openBackoff.nextDelayMs()
        : this.#context.backoff.maxMs
      this.#become({ type: 'failed', untilMs: clock.monotonicMs() + delayMs, cause })
      this.#onTrouble(cause)
    }
  }

  #openSession(): Promise<LiveSession> {
    const { clock } = this.#context
    return LiveSession.open(
      this.#context,
      {
        renewed: () => {
          this.#renewedAtMs = clock.nowMs()
          this.#openBackoff.succeeded()
          if (this.#troubled === undefined) return
          this.#troubled = undefined
          RetryPolicy.hurry(this.#table.toPut)
          RetryPolicy.hurry(this.#table.toRemove)
          this.#wake.notify()
        },
        troubled: (cause) => {
          this.#troubled = cause
          this.#onTrouble(cause)
        },
        lost: (live, cause) => this.#lost(live, cause),
      },
      this.#stop.signal,
    )
  }

  #opened(live: LiveSession): void {
    const { clock } = this.#context
    this.#become({ type: 'opened', live })
    this.#troubled = undefined
    this.#renewedAtMs = clock.nowMs()
    this.#openBackoff.succeeded()
    this.#table.dirtyAll()
    this.#scheduleAudit(live)
    this.#wake.notify()
    if (live.cause !== undefined) this.#lost(live, live.cause)
  }

  #lost(live: LiveSession, cause: RegistryError): void {
    if (this.#state.name !== 'live' || this.#state.live !== live) return
    this.#retired.add(live)
    this.#become({ type: 'lost', cause })
    for (const desired of this.desired()) desired.disturbed(cause)
    this.#onTrouble(cause)
    this.#wake.notify()
  }

  /** A session that is refused for good ends what never stood; what stood goes on trying. */
  #refuse(cause: RegistryError): void {
    for (const slot of [...this.#table.all()]) {
      const { desired } = slot
      if (desired === undefined) continue
      if (cause.retryable || desired.everWritten) desired.disturbed(cause)
      else {
        desired.refused(cause)
        this.#table.release(slot)
      }
    }
  }

  /** A removed record whose create may still arrive under this session is only gone with the session. */
  #rotationWanted(live: LiveSession): boolean {
    for (const slot of this.#table.fenced) if (slot.unknownIn.has(live.id)) return true
    return false
  }

  async #rotate(live: LiveSession): Promise<void> {
    const { backend, clock } = this.#context
    try {
      const next = await this.#openSession()
      if (!live.signal.aborted) this.#retired.add(live)
      this.#opened(next)
    } catch (thrown) {
      const cause = RegistryError.from(thrown, { backend, operation: 'rotate-session' })
      this.#rotateAtMs = clock.monotonicMs() + this.#openBackoff.nextDelayMs()
      if (!this.#stop.signal.aborted) this.#onTrouble(cause)
    }
  }

  /** Whether every write had a definite outcome in `live`, so that older sessions may go. */
  #everythingSettled(live: LiveSession): boolean {
    if (this.#retired.size === 0) return false
    for (const slot of this.#table.toPut) if (slot.settledIn !== live.id) return false
    return true
  }

  async #audit(live: LiveSession): Promise<void> {
    this.#scheduleAudit(live)
    try {
      await this.#auditor.audit(live)
    } catch (thrown) {
      const { backend, clock } = this.#context
      const cause = RegistryError.from(thrown, { backend, operation: 'audit' })
      if (cause.code === 'session-lost') live.lose(cause)
      else if (!live.signal.aborted) {
        this.#auditAtMs = clock.monotonicMs() + live.session.grantedTtlMs / 4
        this.#onTrouble(cause)
      }
    }
    this.#wake.notify()
  }

  #scheduleAudit(live: LiveSession): void {
    const { clock, random } = this.#context
    // seen within a ttl: the jitter only makes it earlier
    const delayMs = live.session.grantedTtlMs * (0.7 + 0.2 * random.next())
    this.#auditAtMs = clock.monotonicMs() + delayMs
  }

  #nextDueMs(): number {
    const state = this.#state
    if (state.name === 'waiting') return state.untilMs
    if (state.name !== 'live') return this.#table.size > 0 ? 0 : Number.POSITIVE_INFINITY
    const rotateMs = this.#rotationWanted(state.live) ? this.#rotateAtMs : Number.POSITIVE_INFINITY
    return Math.min(
      RetryPolicy.nextDueMs(this.#table.toPut),
      RetryPolicy.nextDueMs(this.#table.toRemove),
      rotateMs,
      this.#auditAtMs,
    )
  }
}
