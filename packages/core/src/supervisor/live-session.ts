import type { DriverSession } from '../driver/registry-driver.ts'
import { RegistryError } from '../registry-error.ts'
import { withDeadline } from '../runtime/abort.ts'
import { heartbeat, type HeartbeatListener } from './heartbeat.ts'
import type { SupervisorContext } from './supervisor-context.ts'

/** What a live session tells. */
export interface SessionListener extends HeartbeatListener {
  lost(live: LiveSession, cause: RegistryError): void
}

/** Answered in the very moment in which the caller gave up: nobody else would ever close it. */
const discard = (context: SupervisorContext, session: DriverSession): void => {
  const { clock, backend, callTimeoutMs } = context
  const subject = { backend, operation: 'close-session' }
  const { signal } = new AbortController()
  withDeadline(clock, callTimeoutMs, signal, subject, (bounded) => session.close(bounded)).catch(
    () => {}, // it ends with its ttl
  )
}

/** An open session with its heartbeat. Calls on it run under `signal`, which aborts when it is lost. */
export class LiveSession {
  readonly session: DriverSession
  readonly #listener: SessionListener
  readonly #scope = new AbortController()
  readonly #heart = new AbortController()
  #cause: RegistryError | undefined

  private constructor(
    context: SupervisorContext,
    session: DriverSession,
    openedAtMs: number,
    listener: SessionListener,
  ) {
    this.session = session
    this.#listener = listener
    const onLost = (): void =>
      this.lose(
        RegistryError.from(session.lost.reason, { backend: context.backend, operation: 'renew' }),
      )
    if (session.lost.aborted) onLost()
    else session.lost.addEventListener('abort', onLost, { once: true })
    heartbeat(context, session, openedAtMs, listener, this.#heart.signal).then(
      (cause) => this.lose(cause),
      () => {}, // stopped: the only other way a heartbeat ends
    )
  }

  static async open(
    context: SupervisorContext,
    listener: SessionListener,
    signal: AbortSignal,
  ): Promise<LiveSession> {
    const { clock, driver, backend, ttlMs, callTimeoutMs } = context
    const openedAtMs = clock.monotonicMs()
    const subject = { backend, operation: 'open-session' }
    let opened: DriverSession | undefined
    let givenUp = false
    try {
      const session = await withDeadline(clock, callTimeoutMs, signal, subject, async (bounded) => {
        opened = await driver.openSession({ ttlMs }, bounded)
        if (givenUp) discard(context, opened)
        return opened
      })
      return new LiveSession(context, session, openedAtMs, listener)
    } catch (error) {
      givenUp = true
      if (opened !== undefined) discard(context, opened)
      throw error
    }
  }

  get id(): string {
    return this.session.id
  }
  get signal(): AbortSignal {
    return this.#scope.signal
  }
  /** Why it is lost, once it is. */
  get cause(): RegistryError | undefined {
    return this.#cause
  }

  lose(cause: RegistryError): void {
    if (this.#scope.signal.aborted) return
    this.#cause = cause
    this.#heart.abort(cause)
    this.#scope.abort(cause)
    this.#listener.lost(this, cause)
  }

  /** Ends what runs under it, without a loss being told: it is about to be closed. */
  stop(reason: RegistryError): void {
    this.#heart.abort(reason)
    this.#scope.abort(reason)
  }
}
