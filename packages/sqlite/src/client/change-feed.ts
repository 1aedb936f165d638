import { sqliteError } from '../errors.ts'
import type { Changes, HistoryPosition } from '../worker/store-api.ts'
import type { StoreClient } from './store-client.ts'

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

/** Follows the file for all observations of a driver, while there are any. */
export class ChangeFeed {
  readonly #client: StoreClient
  readonly #streams = new Set<ChangeStream>()
  #position: HistoryPosition | undefined
  #running: AbortController | undefined

  constructor(client: StoreClient) {
    this.#client = client
  }

  /** Sends `stream` the changes after `position`; it may receive some changes twice. */
  add(stream: ChangeStream, position: HistoryPosition): void {
    this.#streams.add(stream)
    if (this.#running !== undefined && this.#position !== undefined) {
      const { epoch, revision } = this.#position
      if (epoch !== position.epoch) this.#fail(this.#running, replaced())
      // always a new object: the changes that are being delivered may be past this stream's position
      else this.#position = { epoch, revision: Math.min(revision, position.revision) }
      if (position.revision < revision) this.#unfollow()
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
    if (this.#running === undefined) return
    this.#running.abort()
    this.#running = undefined
    this.#unfollow()
  }

  #unfollow(): void {
    // a thread that has ended follows nothing
    this.#client.call('observe', new AbortController().signal, 'unfollow').catch(() => {})
  }

  #fail(running: AbortController, error: unknown): void {
    if (this.#running !== running) return
    this.#stop()
    const streams = [...this.#streams]
    this.#streams.clear()
    for (const stream of streams) stream.fail(error)
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (;;) {
      const from = this.#position
      if (signal.aborted || from === undefined) return
      const changes = await this.#client.call('observe', signal, 'follow', from)
      if (changes === undefined) throw replaced()
      for (const stream of [...this.#streams]) await stream.apply(changes)
      // a stream added meanwhile may start at an earlier position
      if (this.#position === from) this.#position = changes.position
    }
  }
}
