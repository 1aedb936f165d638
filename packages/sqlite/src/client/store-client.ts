import { abortable, type DriverContext, type Random, sleep } from '@sd/core/driver'
import { sqliteError, StoreError, toRegistryError } from '../errors.ts'
import type { StoreApi, StoreOptions } from '../worker/store-api.ts'
import { StoreThread } from './store-thread.ts'

/** How long a call waits for a locked file; shorter than core's call timeout. */
const lockWaitMs = 2_000
/** The pause between two attempts to get the lock; random, to avoid repeated collisions. */
export const lockPauseMs = (random: Random): number => 2 + 18 * random.next()
/** A `follow` reads the file every 200 ms: one that goes on for longer than this has met no lock. */
const followedMs = 1_000

/** Runs the store calls of the driver, its sessions and its observations. */
export class StoreClient {
  readonly #options: StoreOptions
  readonly #context: DriverContext
  #thread: StoreThread | undefined
  #closed = false

  /** The first call starts the thread. */
  constructor(options: StoreOptions, context: DriverContext) {
    this.#options = options
    this.#context = context
  }

  /** The file that the processes share. */
  get path(): string {
    return this.#options.path
  }

  /**
   * Calls the store without blocking the event loop, also while the file is locked. Rejects at once
   * with the reason of `signal` when it aborts; throws only `RegistryError` otherwise.
   */
  async call<Method extends keyof StoreApi>(
    operation: string,
    signal: AbortSignal,
    method: Method,
    ...args: Parameters<StoreApi[Method]>
  ): Promise<ReturnType<StoreApi[Method]>> {
    signal.throwIfAborted()
    const { clock } = this.#context
    let lockedSinceMs: number | undefined
    for (;;) {
      const attemptedMs = clock.monotonicMs()
      try {
        return await abortable(this.#running(operation).call(method, args), signal)
      } catch (cause) {
        if (signal.aborted) throw signal.reason
        if (!(cause instanceof StoreError && cause.isLocked))
          throw toRegistryError(cause, operation)
      }
      const nowMs = clock.monotonicMs()
      // a `follow` may last for hours between two locks
      if (method === 'follow' && nowMs - attemptedMs > followedMs) lockedSinceMs = undefined
      lockedSinceMs ??= nowMs
      const waitedMs = nowMs - lockedSinceMs
      if (waitedMs > lockWaitMs)
        throw sqliteError(
          'unavailable',
          operation,
          `another process has locked ${this.#options.path} for ${Math.round(waitedMs)} ms; look for one that is stopped, or a shell with an open transaction`,
        )
      await this.#pause(signal)
    }
  }

  /** Ends the thread; pending calls fail with `closed`. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#thread?.close(this.#closedError('close'))
  }

  #running(operation: string): StoreThread {
    if (this.#closed) throw this.#closedError(operation)
    if (this.#thread === undefined || this.#thread.ended)
      this.#thread = new StoreThread(this.#options, (event) => this.#context.report(event))
    return this.#thread
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#context
    await sleep(clock, lockPauseMs(random), signal)
  }

  #closedError(operation: string): Error {
    return sqliteError('closed', operation, 'the driver is disposed')
  }
}
