import { RegistryError } from '../registry-error.ts'
import { Backoff } from '../runtime/backoff.ts'
import type { CallContext } from '../driver/call-context.ts'
import { OpenSession } from './open-session.ts'
import { RetiredSessions } from './retired-sessions.ts'
import { nextSessionState, type SessionEvent, type SessionState } from './session-state.ts'

/** Receives the events of the session keeper. */
export interface SessionKeeperListener {
  /** A first or another session is open: everything desired must be written in it. */
  opened(): void
  /** The live session is lost. */
  lost(cause: RegistryError): void
  /** Records of the live session may be gone although it goes on: its audit is due now. */
  partLost(): void
  /** The backend answers the live session again. */
  recovered(): void
  /** A sign that the backend is not well. */
  troubled(cause: RegistryError): void
  /** No session could be opened. */
  refused(cause: RegistryError): void
  /** A retired session is closed: none of its records is stored or can still arrive. */
  closed(sessionId: string): void
}

/**
 * The life of a session: opened when there is something to publish, replaced when it is lost or
 * when a late write must be fenced, retired when another has replaced it. All openings share one
 * backoff, which bounds the rate of new sessions.
 */
export class SessionKeeper {
  readonly retired: RetiredSessions
  readonly #context: CallContext
  readonly #listener: SessionKeeperListener
  readonly #signal: AbortSignal
  readonly #backoff: Backoff
  #state: SessionState = { name: 'idle' }
  #latest: OpenSession | undefined
  /** The earliest time of a planned rotation. */
  #rotateAtMs: number | undefined

  /** `signal` aborts every opening. */
  constructor(context: CallContext, listener: SessionKeeperListener, signal: AbortSignal) {
    const { clock, random, backoff } = context
    this.#context = context
    this.#listener = listener
    this.#signal = signal
    this.#backoff = new Backoff(backoff, clock, random)
    this.retired = new RetiredSessions(context, (sessionId) => listener.closed(sessionId))
  }

  get state(): SessionState {
    return this.#state
  }

  /** The live session, or the last live one. */
  get latest(): OpenSession | undefined {
    return this.#latest
  }

  /** When the next opening is due. */
  get openDueMs(): number {
    return this.#state.name === 'waiting' ? this.#state.untilMs : 0
  }

  /** Plans a rotation, if none is planned; returns when it is due. */
  planRotation(): number {
    this.#rotateAtMs ??= this.#context.clock.monotonicMs() + this.#backoff.nextDelayAfterSuccessMs()
    return this.#rotateAtMs
  }

  /** Cancels a planned rotation, as nothing needs fencing any more. */
  cancelRotation(): void {
    this.#rotateAtMs = undefined
  }

  /** Opens a session if one is due. */
  async open(): Promise<void> {
    const { clock, backend } = this.#context
    if (clock.monotonicMs() < this.openDueMs) return
    this.#become({ type: 'wanted' })
    try {
      this.#opened(await this.#openSession())
    } catch (thrown) {
      if (this.#signal.aborted) return
      const cause = RegistryError.from(thrown, { backend, operation: 'open-session' })
      this.#context.availability.failed(cause, this)
      this.#listener.refused(cause)
      const untilMs = clock.monotonicMs() + this.#backoff.nextDelayMs(cause)
      this.#become({ type: 'failed', untilMs, cause })
      this.#listener.troubled(cause)
    }
  }

  /** Opens another session and retires the live one. */
  async rotate(live: OpenSession): Promise<void> {
    const { backend, clock } = this.#context
    this.#rotateAtMs = undefined
    try {
      const next = await this.#openSession()
      if (!live.signal.aborted) this.retired.add(live)
      this.#opened(next)
    } catch (thrown) {
      if (this.#signal.aborted) return
      const cause = RegistryError.from(thrown, { backend, operation: 'rotate-session' })
      this.#context.availability.failed(cause, this)
      this.#rotateAtMs = clock.monotonicMs() + this.#backoff.nextDelayMs(cause)
      this.#listener.troubled(cause)
    }
  }

  /** Nothing is to be published, so retired sessions need not wait for a new one. */
  unneeded(): void {
    this.retired.release()
    this.#context.availability.left(this)
    this.#become({ type: 'unneeded' })
  }

  /** Stops the live session and retires it. */
  retire(reason: RegistryError): void {
    if (this.#state.name !== 'live') return
    const { session } = this.#state
    session.stop(reason)
    this.retired.add(session)
  }

  closed(): void {
    this.#become({ type: 'closed' })
  }

  #openSession(): Promise<OpenSession> {
    return OpenSession.open(
      this.#context,
      {
        renewed: (session, recovered) => {
          if (!this.#isLive(session)) return
          this.#backoff.succeeded()
          this.#context.availability.answered(this)
          if (recovered) this.#listener.recovered()
        },
        troubled: (session, cause) => {
          if (!this.#isLive(session)) return
          // one missed beat is repeated at once, and is no outage
          if (session.trouble !== undefined) this.#context.availability.failed(cause, this)
          this.#listener.troubled(cause)
        },
        lost: (session, cause) => this.#lost(session, cause),
        partLost: (session) => {
          if (this.#isLive(session)) this.#listener.partLost()
        },
      },
      this.#signal,
    )
  }

  #isLive(session: OpenSession): boolean {
    return this.#state.name === 'live' && this.#state.session === session
  }

  #opened(session: OpenSession): void {
    this.#latest = session
    this.#become({ type: 'opened', session })
    this.#backoff.succeeded()
    this.#context.availability.answered(this)
    this.#listener.opened()
    // lost as it opened, before a listener was attached
    if (session.cause !== undefined) this.#lost(session, session.cause)
  }

  #lost(session: OpenSession, cause: RegistryError): void {
    if (!this.#isLive(session)) return
    this.retired.add(session)
    this.#rotateAtMs = undefined
    const untilMs = this.#context.clock.monotonicMs() + this.#backoff.nextDelayAfterSuccessMs()
    this.#context.availability.failed(cause, this)
    this.#become({ type: 'lost', untilMs, cause })
    this.#listener.lost(cause)
    this.#listener.troubled(cause)
  }

  #become(event: SessionEvent): void {
    const before = this.#state
    this.#state = nextSessionState(before, event)
    if (this.#state.name === before.name && event.type !== 'opened') return
    // an outage is logged by `Availability`, once
    this.#context.publish(
      'session',
      'debug',
      `session-${this.#state.name}`,
      `session ${event.type}`,
      {
        session: this.#state.name === 'live' ? this.#state.session.id : undefined,
        cause: 'cause' in event ? event.cause : undefined,
      },
    )
  }
}
