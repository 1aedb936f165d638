import { channel } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import type { Logger } from '@sd/core'

/** The phases of a service's life, in order. */
export type LifecyclePhase =
  | 'listen'
  | 'ready'
  | 'register'
  | 'draining'
  | 'deregister'
  | 'propagate'
  | 'drain'
  | 'stop'
  | 'close'

/** The end of one phase, for the diagnostics channel `sd:lifecycle` and for `onPhase`. */
export interface LifecycleEvent {
  readonly service: string
  readonly phase: LifecyclePhase
  readonly durationMs: number
  /** Why the phase failed or exceeded its deadline. The later phases still run. */
  readonly error?: unknown
}

const lifecycleChannel = channel('sd:lifecycle')

/** The error of a phase that exceeded its deadline. Work that ignores the signal continues. */
export class PhaseTimeoutError extends Error {
  override readonly name = 'PhaseTimeoutError'
}

const withinDeadline = async (
  phase: LifecyclePhase,
  deadlineMs: number,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> => {
  const controller = new AbortController()
  const { promise: over, reject } = Promise.withResolvers<never>()
  const end = (reason: unknown): void => {
    controller.abort(reason)
    // gives work that observes the signal time to end by itself
    graceTimer = setTimeout(reject, abortGraceMs, reason)
  }
  let graceTimer: NodeJS.Timeout | undefined
  const onAbort = (): void => end(outer?.reason)
  const timer = setTimeout(
    () => end(new PhaseTimeoutError(`${phase} did not end within ${deadlineMs} ms`)),
    deadlineMs,
  )
  if (outer?.aborted === true) onAbort()
  outer?.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([work(controller.signal), over])
    // work that ended because of the abort has failed
    controller.signal.throwIfAborted()
  } finally {
    clearTimeout(timer)
    clearTimeout(graceTimer)
    outer?.removeEventListener('abort', onAbort)
  }
}

const abortGraceMs = 100

/** Runs the phases of one service, each with a deadline, one event and one log line. */
export class Phases {
  readonly #service: string
  readonly #logger: Logger | undefined
  readonly #onPhase: ((event: LifecycleEvent) => void) | undefined
  /** What failed, in order. */
  readonly errors: unknown[] = []

  constructor(
    service: string,
    logger: Logger | undefined,
    onPhase: ((event: LifecycleEvent) => void) | undefined,
  ) {
    this.#service = service
    this.#logger = logger
    this.#onPhase = onPhase
  }

  /** Runs one phase; throws its error. `signal` ends it early. */
  async run(
    phase: LifecyclePhase,
    deadlineMs: number,
    work: (signal: AbortSignal) => Promise<void>,
    signal?: AbortSignal,
  ): Promise<void> {
    const beganMs = performance.now()
    try {
      await withinDeadline(phase, deadlineMs, signal, work)
      this.#tell(phase, performance.now() - beganMs)
    } catch (error) {
      this.errors.push(error)
      this.#tell(phase, performance.now() - beganMs, error)
      throw error
    }
  }

  /** Runs one phase and ignores its failure, because the later phases must still run. */
  async attempt(...parts: Parameters<Phases['run']>): Promise<void> {
    await this.run(...parts).catch(() => {})
  }

  #tell(phase: LifecyclePhase, exactMs: number, error?: unknown): void {
    const durationMs = Math.round(exactMs)
    const service = this.#service
    const event = { service, phase, durationMs, ...(error === undefined ? {} : { error }) }
    lifecycleChannel.publish(event)
    try {
      this.#onPhase?.(event)
      if (error === undefined)
        this.#logger?.info({ service, phase, durationMs }, `${service}: ${phase}, ${durationMs} ms`)
      else
        this.#logger?.error(
          { service, phase, durationMs, err: error },
          `${service}: ${phase} failed: ${error instanceof Error ? error.message : inspect(error)}`,
        )
    } catch {
      // a listener that throws must not prevent the later phases
    }
  }
}
