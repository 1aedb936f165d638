import type { Clock, Timer } from './clock.ts'
import { RegistryError, type RegistryErrorOptions } from '../registry-error.ts'

/**
 * Settles as `work` does, or rejects with `signal.reason` as soon as the signal aborts. Work that
 * cannot be cancelled continues; its late result or failure is dropped.
 */
export const abortable = <T>(work: Promise<T>, signal: AbortSignal): Promise<T> => {
  if (signal.aborted) {
    work.catch(() => {})
    return Promise.reject(signal.reason as Error)
  }
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', abort)
    const succeed = (result: T): void => {
      signal.removeEventListener('abort', abort)
      resolve(result)
    }
    const fail = (error: Error): void => {
      signal.removeEventListener('abort', abort)
      reject(error)
    }
    work.then(succeed, fail)
  })
}

/** Resolves after `delayMs`; rejects with `signal.reason` at once when the signal aborts. */
export const sleep = (clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error)
      return
    }
    const abort = (): void => {
      timer.cancel()
      reject(signal.reason as Error)
    }
    const timer = clock.setTimer(Math.max(0, delayMs), () => {
      signal.removeEventListener('abort', abort)
      resolve()
    })
    signal.addEventListener('abort', abort, { once: true })
  })

/** Identifies a call in the error that its deadline raises. */
export interface CallSubject extends Pick<
  RegistryErrorOptions,
  'backend' | 'operation' | 'service'
> {
  /** See `RegistryDriver.lastSeen`. */
  readonly lastSeen?: (() => string | undefined) | undefined
}

const unknownReason = 'the backend is unreachable, frozen or slow'

/** The `timeout` of a call, with what is known of the servers. */
export const timeoutOf = (subject: CallSubject, waitedMs: number): RegistryError => {
  const { backend, operation, service, lastSeen } = subject
  const seen = lastSeen?.()
  const waited = `within ${Math.round(waitedMs)} ms`
  // a server that refuses or hangs up has answered, in its way
  const message =
    seen === undefined ? `no answer ${waited}; ${unknownReason}` : `not done ${waited}; ${seen}`
  return new RegistryError('timeout', { backend, operation, service, message })
}

/**
 * Runs `work` with a signal that aborts with `timeout` after `deadlineMs`, or with the outer
 * signal's reason. Each `progress` call of `work` restarts the deadline. Settles even if `work`
 * ignores its signal, so that a frozen server never hangs a caller.
 */
export const withDeadline = <T>(
  clock: Clock,
  deadlineMs: number,
  outer: AbortSignal,
  subject: CallSubject,
  work: (signal: AbortSignal, progress: () => void) => Promise<T>,
): Promise<T> =>
  // by hand, as every call passes here: `async`, `abortable` and `finally` take twice the time
  new Promise((resolve, reject) => {
    outer.throwIfAborted()
    const controller = new AbortController()
    let over = false
    const end = (): void => {
      over = true
      timer.cancel()
      outer.removeEventListener('abort', forward)
    }
    const succeed = (result: T): void => {
      end()
      resolve(result)
    }
    const fail = (error: Error): void => {
      end()
      reject(error)
    }
    const abort = (reason: Error): void => {
      fail(reason)
      controller.abort(reason)
    }
    const forward = (): void => abort(outer.reason as Error)
    const arm = (): Timer => clock.setTimer(deadlineMs, () => abort(timeoutOf(subject, deadlineMs)))
    const progress = (): void => {
      if (over) return
      timer.cancel()
      timer = arm()
    }
    let timer = arm()
    outer.addEventListener('abort', forward)
    try {
      work(controller.signal, progress).then(succeed, fail)
    } catch (error) {
      fail(error as Error)
    }
  })
