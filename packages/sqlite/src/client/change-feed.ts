import type { Clock } from '@sd/core/driver'
import { sqliteError } from '../errors.ts'
import type { Changes, HistoryPosition } from '../worker/store-api.ts'
import { ChangeHint } from './change-hint.ts'
import type { StoreClient } from './store-client.ts'

/**
 * The interval of the checks of all processes, and of polls where the system reports changes. The
 * checks are expensive, so they come after the delivery of a change.
 */
const sweepEveryMs = 200
/** The interval of polls where the system reports no changes. */
const pollMs = 50
/** The minimum pause between two polls, so that a burst of changes causes few polls. */
const pauseMs = 5

const replaced = (): Error =>
  sqliteError(
    'cursor-expired',
    'observe',
    'the file was replaced, or no longer keeps the changes since the cursor',
  )

/** The feed's view of an observation. */
export interface ChangeStream {
  apply(changes: Changes): Promise<void> | void
  alive(position: HistoryPosition): void
  fail(error: unknown): void
}

/** Polls the file for all observations of a driver, while there are any. */
export class ChangeFeed {
  readonly #client: StoreClient
  readonly #clock: Clock
  readonly #streams = new Set<ChangeStream>()
  #position: HistoryPosition | undefined
  #running: AbortController | undefined

  constructor(client: StoreClient, clock: Clock) {
    this.#client = client
    this.#clock = clock
  }

  /** Sends `stream` the changes after `position`; it may receive some changes twice. */
  add(stream: ChangeStream, position: HistoryPosition): void {
    this.#streams.add(stream)
    if (this.#running !== undefined && this.#position !== undefined) {
      const { epoch, revision } = this.#position
      if (epoch !== position.epoch) this.#fail(this.#running, replaced())
      // always a new object: the current poll may be past this stream's position
      else this.#position = { epoch, revision: Math.min(revision, position.revision) }
      return
    }
    this.#position = position
    const running = new AbortController()
    this.#running = running
    void this.#run(running.signal).catch((error: unknown) => this.#fail(running, error))
  }

  delete(stream: ChangeStream): void {
    this.#streams.delete(stream)
    if (this.#streams.size === 0) this.#stop()
  }

  /** Sends `alive` to all observations, which advances their cursors. */
  alive(): void {
    if (this.#position !== undefined)
      for (const stream of this.#streams) stream.alive(this.#position)
  }

  /** Ends every observation with `error`. */
  close(error: unknown): void {
    if (this.#running !== undefined) this.#fail(this.#running, error)
  }

  #stop(): void {
    this.#running?.abort()
    this.#running = undefined
  }

  #fail(running: AbortController, error: unknown): void {
    if (this.#running !== running) return
    this.#stop()
    const streams = [...this.#streams]
    this.#streams.clear()
    for (const stream of streams) stream.fail(error)
  }

  async #run(signal: AbortSignal): Promise<void> {
    let wake = Promise.withResolvers<void>()
    const hint = new ChangeHint(this.#client.path, () => wake.resolve())
    signal.addEventListener('abort', () => {
      hint[Symbol.dispose]()
      wake.resolve()
    })
    let sweepAtMs = this.#clock.monotonicMs()
    for (;;) {
      const from = this.#position
      if (signal.aborted || from === undefined) return
      wake = Promise.withResolvers<void>()
      const changes = await this.#client.call('observe', signal, 'changesSince', from)
      if (changes === undefined) throw replaced()
      for (const stream of [...this.#streams]) await stream.apply(changes)
      // a stream added meanwhile may start at an earlier position
      if (this.#position === from) this.#position = changes.position
      await this.#pause(pauseMs)
      if (this.#clock.monotonicMs() >= sweepAtMs) {
        // sessions that it ends are changes, which are reported as those of others are
        await this.#client.call('observe', signal, 'sweep')
        sweepAtMs = this.#clock.monotonicMs() + sweepEveryMs
      }
      const untilSweepMs = Math.max(0, sweepAtMs - this.#clock.monotonicMs())
      await this.#pause(hint.works ? untilSweepMs : Math.min(pollMs, untilSweepMs), wake.promise)
    }
  }

  /** Waits for `wake`, for at most `ms`. */
  async #pause(ms: number, wake?: Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#clock.setTimer(ms, resolve)
    await Promise.race([promise, ...(wake ? [wake] : [])])
    timer.cancel()
  }
}
