import type { Timer } from '@sd/core/driver'
import { ChangeHint } from './change-hint.ts'
import type { Changes, HistoryPosition, StoreApi } from './store-api.ts'
import { threadClock } from './thread-clock.ts'

/** The interval of the checks of all sessions, and of polls where the system reports changes. */
const sweepEveryMs = 200
/** The interval of polls where the system reports no changes. */
const pollMs = 50
/** The least time from a poll that found changes to the next one: a burst causes few polls. */
const burstMs = 5
/** The time from the last report, if its poll found nothing, to one more poll. */
const lateMs = 5
/** The least time from one that found none: a report may come before the transaction ends. */
const earlyMs = 1
/** After so many changes of other namespaces the position is reported, before it is too old. */
const farRevisions = 1_000

interface Request {
  readonly asked: HistoryPosition
  readonly resolve: (changes: Changes | undefined) => void
  readonly reject: (error: unknown) => void
}

/**
 * Waits for the next change, in the store's thread: a heartbeat of another process, which writes to
 * the file too, wakes this thread and not the application's. Meanwhile it ends expired sessions.
 */
export class ChangeFollower {
  readonly #store: Pick<StoreApi, 'changesSince' | 'sweep'>
  readonly #path: string
  #hint: ChangeHint | undefined
  #ticks: Timer | undefined
  #latePoll: Timer | undefined
  #request: Request | undefined
  /** All changes up to here were delivered. */
  #position: HistoryPosition | undefined
  /** Whether the file may have changed since the last poll. */
  #hinted = false
  #pollAwaited = false
  #nextPollAtMs = 0
  #nextSweepAtMs = 0

  constructor(store: Pick<StoreApi, 'changesSince' | 'sweep'>, path: string) {
    this.#store = store
    this.#path = path
  }

  /** See `StoreApi.follow`. A new request ends the previous one. */
  follow(since: HistoryPosition): Promise<Changes | undefined> {
    this.#end()
    const { promise, resolve, reject } = Promise.withResolvers<Changes | undefined>()
    this.#request = { asked: since, resolve, reject }
    if (since.epoch !== this.#position?.epoch || since.revision !== this.#position.revision)
      this.#hinted = true
    this.#position = since
    if (this.#hint === undefined) this.#begin()
    else this.#pollIfHinted()
    return promise
  }

  /** Ends the request, if there is one, without changes. */
  unfollow(): void {
    this.#end()
    this.#hint?.[Symbol.dispose]()
    this.#hint = undefined
    this.#ticks?.cancel()
    this.#latePoll?.cancel()
  }

  #begin(): void {
    this.#hint = new ChangeHint(this.#path, () => {
      this.#hinted = true
      this.#pollIfHinted()
    })
    this.#tick()
  }

  #end(): void {
    if (this.#request !== undefined && this.#position !== undefined)
      this.#settle()?.resolve({ position: this.#position, touched: [] })
  }

  #settle(): Request | undefined {
    const request = this.#request
    this.#request = undefined
    return request
  }

  #tick(): void {
    const answered = this.#poll()
    // after the answer, as changes do not wait for the checks; a session that ends is a change, too
    if (threadClock.monotonicMs() >= this.#nextSweepAtMs)
      if (answered) threadClock.setTimer(0, () => this.#sweep())
      else this.#sweep()
    this.#ticks = threadClock.setTimer(this.#hint?.works ? sweepEveryMs : pollMs, () =>
      this.#tick(),
    )
  }

  #pollIfHinted(): void {
    if (!this.#hinted || this.#pollAwaited || this.#request === undefined) return
    const pauseMs = this.#nextPollAtMs - threadClock.monotonicMs()
    if (pauseMs <= 0) {
      this.#pollReported()
      return
    }
    this.#pollAwaited = true
    threadClock.setTimer(pauseMs, () => {
      this.#pollAwaited = false
      this.#pollReported()
    })
  }

  #pollReported(): void {
    this.#latePoll?.cancel()
    // the report is of the write to the log; a writer that loses its processor commits later
    if (!this.#poll()) this.#latePoll = threadClock.setTimer(lateMs, () => this.#poll())
  }

  /** Returns whether this has answered the request. */
  #poll(): boolean {
    if (this.#request === undefined || this.#position === undefined) return false
    const { asked } = this.#request
    this.#hinted = false
    try {
      const changes = this.#store.changesSince(this.#position)
      const found = changes === undefined || changes.touched.length > 0
      this.#nextPollAtMs = threadClock.monotonicMs() + (found ? burstMs : earlyMs)
      if (changes !== undefined) this.#position = changes.position
      if (found || this.#position.revision >= asked.revision + farRevisions)
        this.#settle()?.resolve(changes)
    } catch (error) {
      this.#settle()?.reject(error)
    }
    return this.#request === undefined
  }

  #sweep(): void {
    if (this.#hint === undefined) return
    this.#nextSweepAtMs = threadClock.monotonicMs() + sweepEveryMs
    try {
      this.#store.sweep()
    } catch (error) {
      this.#settle()?.reject(error)
    }
  }
}
