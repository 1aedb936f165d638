import type { Clock } from '@sd/core/driver'
import { sqliteError } from '../errors.ts'
import type { Changes, Place } from '../worker/store-api.ts'
import { ChangeHint } from './change-hint.ts'
import type { StoreClient } from './store-client.ts'

/** How often it looks by itself: seldom where the system tells of changes, often where not. */
const pollMs = { withHints: 250, alone: 50 }
/** The least pause between two looks, so that a burst of changes costs few. */
const restMs = 5

const replaced = (): Error =>
  sqliteError(
    'cursor-expired',
    'observe',
    'the file was replaced, or no longer keeps the changes since the cursor',
  )

/** An observation, as the feed knows it. */
export interface ChangeStream {
  apply(changes: Changes): Promise<void> | void
  alive(place: Place): void
  fail(error: unknown): void
}

/** Follows the file for all observations of a driver, while there is one. */
export class ChangeFeed {
  readonly #client: StoreClient
  readonly #clock: Clock
  readonly #streams = new Set<ChangeStream>()
  #place: Place | undefined
  #running: AbortController | undefined

  constructor(client: StoreClient, clock: Clock) {
    this.#client = client
    this.#clock = clock
  }

  /** Feeds `stream` with what happens after `place`; what it knows already may come again. */
  add(stream: ChangeStream, place: Place): void {
    this.#streams.add(stream)
    if (this.#running !== undefined && this.#place !== undefined) {
      const { epoch, revision } = this.#place
      if (epoch !== place.epoch) this.#fail(this.#running, replaced())
      // a new one in any case: the look that is under way may be past this stream's place
      else this.#place = { epoch, revision: Math.min(revision, place.revision) }
      return
    }
    this.#place = place
    const running = new AbortController()
    this.#running = running
    void this.#run(running.signal).catch((error: unknown) => this.#fail(running, error))
  }

  delete(stream: ChangeStream): void {
    this.#streams.delete(stream)
    if (this.#streams.size === 0) this.#stop()
  }

  /** A sign of life to all, which moves their cursors. */
  alive(): void {
    if (this.#place !== undefined) for (const stream of this.#streams) stream.alive(this.#place)
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
    for (;;) {
      const from = this.#place
      if (signal.aborted || from === undefined) return
      wake = Promise.withResolvers<void>()
      const changes = await this.#client.call('observe', signal, 'follow', from)
      if (changes === undefined) throw replaced()
      for (const stream of [...this.#streams]) await stream.apply(changes)
      // unless a stream came meanwhile, which may have started further back
      if (this.#place === from) this.#place = changes.place
      await this.#rest(restMs)
      await this.#rest(hint.works ? pollMs.withHints : pollMs.alone, wake.promise)
    }
  }

  /** Waits for `wake`, but not longer than `ms`. */
  async #rest(ms: number, wake?: Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#clock.setTimer(ms, resolve)
    await Promise.race([promise, ...(wake ? [wake] : [])])
    timer.cancel()
  }
}
