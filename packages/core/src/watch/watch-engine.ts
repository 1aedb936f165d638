import type { Timer } from '../runtime/clock.ts'
import type { Cursor, Observation, Scope } from '../driver/registry-driver.ts'
import { RegistryError } from '../registry-error.ts'
import { Backoff } from '../runtime/backoff.ts'
import { sleep } from '../runtime/abort.ts'
import { hasSubscribers } from '../runtime/diagnostics.ts'
import { silenceMs } from '../runtime/timing.ts'
import { attach } from './attach.ts'
import { ServedView, type View, type WatchContext } from './served-view.ts'
import { nextWatchState, type WatchState, type WatchTransition } from './watch-state.ts'

/** The constructor parameters of `WatchEngine`. */
export interface WatchEngineParts<T, Change> {
  readonly scope: Scope
  readonly view: View<T, Change>
  /** Called when the last reader has left. */
  readonly onUnused: () => void
}

/**
 * Follows one scope for all its readers. Attaches, resumes from its cursor if the backend proves that
 * the history is the same, and otherwise starts over; readers then get only the difference to the
 * served view. Marks the view stale meanwhile.
 */
export class WatchEngine<T, Change> {
  readonly scope: Scope
  readonly served: ServedView<T, Change>
  readonly #context: WatchContext
  readonly #parts: WatchEngineParts<T, Change>
  readonly #stop = new AbortController()
  readonly #backoff: Backoff
  #state: WatchState = { name: 'attaching' }
  #cursor: Cursor | undefined
  #attachment = new AbortController()
  #lastSignMs: number
  #roundTripMs = 0
  /** Whether this watch was logged as stale on its own. */
  #warned = false
  #holdTimer: Timer | undefined
  #holdTimerDueMs = Number.POSITIVE_INFINITY

  constructor(context: WatchContext, parts: WatchEngineParts<T, Change>) {
    this.#context = context
    this.#parts = parts
    this.scope = parts.scope
    this.served = new ServedView(context, parts.view, () => this.close())
    this.#backoff = new Backoff(context.backoff, context.clock, context.random)
    this.#lastSignMs = context.clock.monotonicMs()
    void this.#run()
  }

  get state(): WatchState {
    return this.#state
  }
  get kind(): 'service' | 'all' | 'services' {
    return 'service' in this.scope ? 'service' : 'services' in this.scope ? 'services' : 'all'
  }

  /** Reports a sign of trouble from elsewhere: trouble of the session, or a failed probe. */
  trouble(): void {
    this.served.trouble()
  }

  /** Reports that the connection answered a probe; an idle stream sends nothing itself. */
  alive(roundTripMs: number): void {
    this.#roundTripMs = roundTripMs
    if (this.#state.name !== 'live') return
    this.#sign()
    // without this a recovery window over an idle stream would never end
    this.served.confirm()
  }

  /** Ends this attachment, as the connection does not answer; resumes on another connection. */
  reattach(cause: RegistryError): void {
    if (this.#state.name === 'live') this.#attachment.abort(cause)
  }

  close(): void {
    if (this.#state.name === 'closed') return
    this.#become({ type: 'closed' })
    this.#context.availability.left(this)
    const { backend } = this.#context
    this.#stop.abort(
      new RegistryError('closed', { backend, operation: 'watch', message: 'no reader is left' }),
    )
    this.#holdTimer?.cancel()
    this.served.end()
    this.#parts.onUnused()
  }

  #become(event: WatchTransition): void {
    this.#state = nextWatchState(this.#state, event)
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#follow()
      } catch (thrown) {
        if (this.#stop.signal.aborted) return
        const { backend } = this.#context
        const cause = RegistryError.from(thrown, {
          backend,
          operation: 'watch',
          ...this.#subject(),
        })
        const delayMs = this.#failed(cause)
        if (delayMs > 0)
          await sleep(this.#context.clock, delayMs, this.#stop.signal).catch(() => {})
        this.#become({ type: 'retry' })
      }
    }
  }

  /** Follows one attachment until it fails. */
  async #follow(): Promise<never> {
    this.#attachment = new AbortController()
    const observations = attach(this.#context, this.scope, this.#cursor, [
      this.#stop.signal,
      this.#attachment.signal,
    ])
    for await (const observation of observations) this.#observed(observation)
    const { backend } = this.#context
    const message = 'the driver ended the watch without an error'
    throw new RegistryError('unavailable', { backend, operation: 'watch', message })
  }

  #observed(observation: Observation): void {
    this.#sign()
    if (this.#state.name !== 'live') {
      this.#become({ type: 'observed' })
      this.#publish(this.#warned ? 'info' : 'debug', 'watch-live', 'the watch is attached')
      this.#warned = false
    }
    this.#backoff.succeeded()
    this.#context.availability.answered(this)
    if (observation.type !== 'alive') this.served.apply(observation)
    if (observation.cursor !== undefined) this.#cursor = observation.cursor
    this.served.confirm()
    this.#armHoldTimer()
  }

  /** Notes a sign of life, after which the view is confirmed. A long silence opens the recovery window. */
  #sign(): void {
    const now = this.#context.clock.monotonicMs()
    if (now - this.#lastSignMs > silenceMs(this.#context.ttlMs, this.#roundTripMs))
      this.served.trouble()
    this.#lastSignMs = now
  }

  /** Handles a failure; returns the delay before the next attachment. */
  #failed(cause: RegistryError): number {
    if (cause.code === 'cursor-expired' && this.#cursor !== undefined) {
      // a gap in the backend's history, not an outage: start over while the view stays served
      this.#cursor = undefined
      const delayMs = this.#backoff.nextDelayAfterSuccessMs()
      this.served.trouble()
      this.#become({ type: 'failed', cause })
      this.#publish('info', 'watch-resync', cause.message, cause)
      // repeated: the history is lost faster than it can be read
      if (delayMs > 0) {
        this.#context.availability.failed(cause, this)
        this.#markStale(cause)
      }
      return delayMs
    }
    this.served.trouble()
    this.#become({ type: 'failed', cause })
    // an outage is logged once for all watches
    const explained = this.#context.availability.failed(cause, this)
    if (this.served.stale === undefined) {
      this.#warned = !explained
      this.#publish(explained ? 'debug' : 'warn', 'watch-stale', cause.message, cause)
    } else this.#publish('debug', 'watch-retry', cause.message, cause)
    if (!this.served.synced && !cause.retryable) {
      this.served.end(cause)
      this.close()
      return 0
    }
    this.#markStale(cause)
    return this.#backoff.nextDelayMs(cause)
  }

  #markStale(cause: RegistryError): void {
    this.served.markStale({ since: new Date(this.#context.clock.nowMs()), cause })
  }

  #armHoldTimer(): void {
    const dueMs = this.served.expireHolds()
    this.#publishChanges()
    if (dueMs === this.#holdTimerDueMs) return
    this.#holdTimer?.cancel()
    this.#holdTimerDueMs = dueMs
    if (!Number.isFinite(dueMs)) return
    const { clock } = this.#context
    this.#holdTimer = clock.setTimer(Math.max(1, dueMs - clock.monotonicMs()), () => {
      this.#holdTimerDueMs = Number.POSITIVE_INFINITY
      this.#armHoldTimer()
    })
  }

  #publishChanges(): void {
    const counts = this.served.takeCounts()
    // the check, as this runs for every change
    if (counts === undefined || !hasSubscribers('change')) return
    this.#context.publish('change', 'unlogged', 'view-changed', '', {
      scope: this.kind,
      ...this.#subject(),
      ...counts,
    })
  }

  #subject(): { readonly service?: string } {
    return 'service' in this.scope ? { service: this.scope.service } : {}
  }

  #publish(
    level: 'debug' | 'info' | 'warn',
    event: string,
    message: string,
    cause?: RegistryError,
  ): void {
    this.#context.publish('watch', level, event, message, { scope: this.scope, cause })
  }
}
