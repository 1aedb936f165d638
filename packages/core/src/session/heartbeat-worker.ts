import type { Worker } from 'node:worker_threads'
import type { HeartbeatConfig } from '../driver/config/config-check.ts'
import type { DriverContext, DriverEvent } from '../driver/driver-context.ts'
import { messageOf } from '../driver/driver-errors.ts'
import type { DriverSession } from '../driver/registry-driver.ts'
import { wrapSession } from '../driver/wrap-driver.ts'
import { Backoff } from '../runtime/backoff.ts'
import type { Timer } from '../runtime/clock.ts'
import { defaultMaxBlockMs, signOfLifeIntervalMs } from '../runtime/timing.ts'
import { HeartbeatTimes } from './heartbeat-times.ts'
import { threadOptions } from './thread-options.ts'

/** A session that the worker thread is to renew. */
export interface HeldSession {
  readonly id: string
  readonly ttlMs: number
  /** What the server asks of another connection beside the id, where it does. */
  readonly password?: string | undefined
  readonly maxBlockMs: number
  /** That of its `HeartbeatTimes`. */
  readonly times: SharedArrayBuffer
}

/** A session that `HeartbeatWorker.keep` has given to the worker thread. */
export interface KeptSession {
  /** A renewal that the loop sent at `sentMs`, on the clock of the context, is acknowledged. */
  renewed(sentMs: number): void
  /** When the last acknowledged renewal was sent, by either thread. */
  readonly renewedMs: number
  /** The thread leaves it alone from now on. To be called before the session is closed. */
  release(): void
}

/** What the event loop tells the worker thread. */
export type HeartbeatOrder = { readonly hold: HeldSession } | { readonly release: string }

/** What the worker thread tells the event loop: that it runs, or what is to be reported. */
export type HeartbeatNotice = 'ready' | { readonly report: DriverEvent }

/** The constructor parameters of `HeartbeatWorker`. */
export interface HeartbeatWorkerOptions {
  /** The module that calls `serveHeartbeats`: a file of its own, built or a source. */
  readonly script: URL
  /**
   * The backend's validated configuration, with credentials and certificates. The thread gets a
   * structured clone of it.
   */
  readonly config: HeartbeatConfig
  readonly context: DriverContext
}

/** The delays before a thread that ended is started again. */
const restart = { minMs: 1_000, maxMs: 60_000 }

/**
 * The worker thread of one driver that renews its sessions while the event loop is blocked. It does not
 * keep the process alive. The loop sends its heartbeats as without it, so a thread that fails takes
 * away nothing but the cover of a blocked loop. That is reported as `heartbeat-worker-failed`, and a later
 * heartbeat starts the thread again.
 */
export class HeartbeatWorker implements AsyncDisposable {
  readonly #options: HeartbeatWorkerOptions
  readonly #held = new Map<string, HeldSession>()
  readonly #backoff: Backoff
  #starting: Promise<void> | undefined
  #thread: Worker | undefined
  #notBeforeMs = Number.NEGATIVE_INFINITY
  #closed = false

  private constructor(options: HeartbeatWorkerOptions) {
    const { clock, random } = options.context
    this.#options = options
    this.#backoff = new Backoff(restart, clock, random)
  }

  /** `undefined` where the configuration does not ask for a worker. */
  static create(options: HeartbeatWorkerOptions): HeartbeatWorker | undefined {
    return options.config.heartbeat === 'worker' ? new HeartbeatWorker(options) : undefined
  }

  /**
   * Starts the thread, unless it runs or has failed a short time ago. Resolves when it is ready, or has
   * failed; never rejects. To be awaited before a session is opened, so that its records are covered from
   * the first one on.
   */
  start(): Promise<void> {
    const { clock } = this.#options.context
    if (this.#closed || this.#thread || clock.monotonicMs() < this.#notBeforeMs)
      return this.#starting ?? Promise.resolve()
    return (this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined
    }))
  }

  /**
   * Returns `session` with heartbeats that the thread continues while the loop is blocked, until
   * `close` is called. `openedAtMs`: when the request that opened it was sent, on the clock of the
   * context.
   */
  hold(session: DriverSession, openedAtMs: number): DriverSession {
    const { clock } = this.#options.context
    const { id, grantedTtlMs: ttlMs } = session
    const times = this.#hold({ id, ttlMs }, openedAtMs)
    const renewing = wrapSession(session, async (name, signal, next) => {
      if (name === 'close') this.#release(id)
      if (name !== 'renew') return next(signal)
      times.live()
      void this.start()
      const sentMs = clock.monotonicMs()
      const answer = await next(signal)
      times.renewed(sentMs)
      return answer
    })
    return { ...renewing, renewedMs: () => times.renewedMs }
  }

  /**
   * The same for a session that the thread renews by taking it from the loop's connection
   * (`RenewableSession.takesSession`), and for one of the several that a session of core consists of. A
   * timer gives the signs of life: where they came with the renewals only, a slow server could delay
   * them until the thread takes the session of a loop that runs.
   */
  keep(session: Pick<HeldSession, 'id' | 'ttlMs' | 'password'>, openedAtMs: number): KeptSession {
    const { clock } = this.#options.context
    const times = this.#hold(session, openedAtMs)
    let sign: Timer
    const live = (): void => {
      times.live()
      void this.start()
      sign = clock.setTimer(signOfLifeIntervalMs(session.ttlMs), live)
    }
    live()
    return {
      renewed: (sentMs) => times.renewed(sentMs),
      get renewedMs() {
        return times.renewedMs
      },
      release: () => {
        sign.cancel()
        this.#release(session.id)
      },
    }
  }

  /** Ends the thread. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    const thread = this.#thread
    this.#thread = undefined
    // else the process could end before this resolves
    thread?.ref()
    await thread?.terminate()
  }

  async #start(): Promise<void> {
    const { script, config, context } = this.#options
    try {
      // only a driver that asks for a thread pays for the module
      const { Worker } = await import('node:worker_threads')
      if (this.#closed) return
      const thread = new Worker(script, {
        workerData: config,
        ...threadOptions(script),
      })
      thread.unref()
      this.#thread = thread
      for (const hold of this.#held.values()) this.#tell({ hold })
      await new Promise<void>((resolve) => {
        thread.on('message', (notice: HeartbeatNotice) => {
          if (notice !== 'ready') return context.report(notice.report)
          this.#backoff.succeeded()
          resolve()
        })
        thread.once('error', (error) => this.#ended(thread, messageOf(error)))
        thread.once('exit', (code) => {
          this.#ended(thread, `it exited with code ${code}`)
          resolve()
        })
      })
    } catch (error) {
      this.#failed(messageOf(error))
    }
  }

  #hold(
    session: Pick<HeldSession, 'id' | 'ttlMs' | 'password'>,
    openedAtMs: number,
  ): HeartbeatTimes {
    const { config, context } = this.#options
    const times = new HeartbeatTimes(context.clock)
    times.live()
    times.renewed(openedAtMs)
    const maxBlockMs = config.maxBlockMs ?? defaultMaxBlockMs(session.ttlMs)
    const held = { ...session, maxBlockMs, times: times.buffer }
    this.#held.set(session.id, held)
    this.#tell({ hold: held })
    return times
  }

  #release(id: string): void {
    if (this.#held.delete(id)) this.#tell({ release: id })
  }

  #tell(order: HeartbeatOrder): void {
    this.#thread?.postMessage(order)
  }

  #ended(thread: Worker, why: string): void {
    if (this.#thread !== thread) return
    this.#thread = undefined
    this.#failed(why)
  }

  #failed(why: string): void {
    const { context } = this.#options
    const delayMs = this.#backoff.nextDelayMs()
    this.#notBeforeMs = context.clock.monotonicMs() + delayMs
    context.report({
      level: 'error',
      event: 'heartbeat-worker-failed',
      message: `the worker thread that renews sessions while the event loop is blocked ended: ${why}; it is started again after ${Math.round(delayMs)} ms, and until then a loop that is blocked for longer than the ttl loses its session`,
    })
  }
}
