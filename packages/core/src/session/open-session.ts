import type { DriverSession } from '../driver/registry-driver.ts'
import { RegistryError } from '../registry-error.ts'
import { withDeadline } from '../runtime/abort.ts'
import { auditIntervalMs, auditRetryMs } from '../runtime/timing.ts'
import { type CallContext, callSubject } from '../driver/call-context.ts'
import { heartbeat } from './heartbeat.ts'

/** Receives the events of one open session. */
export interface SessionListener {
  /** A beat was answered; `recovered`: the beat before it was not. */
  renewed(session: OpenSession, recovered: boolean): void
  troubled(session: OpenSession, cause: RegistryError): void
  lost(session: OpenSession, cause: RegistryError): void
  /** Records may be gone although the session goes on, so its audit is due now. */
  partLost(session: OpenSession): void
}

/** Closes a session that opened just as its caller gave up. */
const discard = (context: CallContext, session: DriverSession): void => {
  const { clock, callTimeoutMs } = context
  const subject = callSubject(context, 'close-session')
  const { signal } = new AbortController()
  withDeadline(clock, callTimeoutMs, signal, subject, (bounded) => session.close(bounded)).catch(
    () => {}, // it expires with its ttl
  )
}

/**
 * An open session with its heartbeat, health and audit schedule. Calls on it run under `signal`,
 * which aborts when the session is lost or replaced.
 */
export class OpenSession {
  readonly driverSession: DriverSession
  readonly #context: CallContext
  readonly #listener: SessionListener
  readonly #scope = new AbortController()
  readonly #heart = new AbortController()
  #cause: RegistryError | undefined
  #toldLost = false
  #mayHoldRecords = false
  #renewedAtMs: number
  #trouble: RegistryError | undefined
  #auditDueMs = 0

  private constructor(
    context: CallContext,
    session: DriverSession,
    openedAtMs: number,
    listener: SessionListener,
  ) {
    this.driverSession = session
    this.#context = context
    this.#listener = listener
    this.#renewedAtMs = context.clock.nowMs()
    this.scheduleAudit()
    const onLost = (): void =>
      this.lose(
        RegistryError.from(session.lost.reason, { backend: context.backend, operation: 'renew' }),
      )
    if (session.lost.aborted) onLost()
    else session.lost.addEventListener('abort', onLost, { once: true, signal: this.#scope.signal })
    session.onPartLost?.(() => {
      if (this.#scope.signal.aborted) return
      this.#auditDueMs = context.clock.monotonicMs()
      listener.partLost(this)
    })
    const beats = {
      renewed: () => this.#renewed(),
      troubled: (cause: RegistryError) => {
        listener.troubled(this, cause)
        this.#trouble = cause
      },
    }
    heartbeat(context, session, openedAtMs, beats, this.#heart.signal).then(
      ({ cause, told }) => this.#end(cause, told),
      () => {}, // stopped
    )
  }

  static async open(
    context: CallContext,
    listener: SessionListener,
    signal: AbortSignal,
  ): Promise<OpenSession> {
    const { clock, driver, ttlMs, callTimeoutMs } = context
    const openedAtMs = clock.monotonicMs()
    const subject = callSubject(context, 'open-session')
    let opened: DriverSession | undefined
    let givenUp = false
    try {
      const session = await withDeadline(clock, callTimeoutMs, signal, subject, async (bounded) => {
        opened = await driver.openSession({ ttlMs }, bounded)
        if (givenUp) discard(context, opened)
        return opened
      })
      return new OpenSession(context, session, openedAtMs, listener)
    } catch (error) {
      givenUp = true
      if (opened !== undefined) discard(context, opened)
      throw error
    }
  }

  get id(): string {
    return this.driverSession.id
  }
  get grantedTtlMs(): number {
    return this.driverSession.grantedTtlMs
  }
  get signal(): AbortSignal {
    return this.#scope.signal
  }
  /** Why the session is lost, if it is. */
  get cause(): RegistryError | undefined {
    return this.#cause
  }
  /** Whether the backend reported the loss; otherwise the loss is only assumed. */
  get toldLost(): boolean {
    return this.#toldLost
  }
  /** Whether any write in this session was acknowledged or has an unknown outcome. */
  get mayHoldRecords(): boolean {
    return this.#mayHoldRecords
  }
  /** Wall-clock time of the last acknowledged beat. */
  get renewedAtMs(): number {
    return this.#renewedAtMs
  }
  /** The failure of the last beat, until a beat is answered. */
  get trouble(): RegistryError | undefined {
    return this.#trouble
  }
  /** When the next audit is due, on the monotonic clock. */
  get auditDueMs(): number {
    return this.#auditDueMs
  }

  scheduleAudit(): void {
    const { clock, random } = this.#context
    this.#auditDueMs = clock.monotonicMs() + auditIntervalMs(this.grantedTtlMs, random)
  }

  /** Schedules the next audit sooner, as the backend did not answer the last one. */
  repeatAudit(): void {
    const retryMs = this.#context.clock.monotonicMs() + auditRetryMs(this.grantedTtlMs)
    this.#auditDueMs = Math.min(this.#auditDueMs, retryMs)
  }

  /** Notes that a write was acknowledged or may have succeeded. */
  noteWritten(): void {
    this.#mayHoldRecords = true
  }

  /** The backend reported the loss of the session. */
  lose(cause: RegistryError): void {
    this.#end(cause, true)
  }

  /** Ends what runs under the session without reporting a loss, before it is closed. */
  stop(reason: RegistryError): void {
    this.#heart.abort(reason)
    this.#scope.abort(reason)
  }

  #end(cause: RegistryError, told: boolean): void {
    if (this.#scope.signal.aborted) return
    this.#cause = cause
    this.#toldLost = told
    this.#heart.abort(cause)
    this.#scope.abort(cause)
    this.#listener.lost(this, cause)
  }

  #renewed(): void {
    const recovered = this.#trouble !== undefined
    this.#trouble = undefined
    this.#renewedAtMs = this.#context.clock.nowMs()
    this.#listener.renewed(this, recovered)
  }
}
