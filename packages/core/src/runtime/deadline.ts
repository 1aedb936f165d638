import { abortable } from '../driver/abort.ts'
import type { Clock } from '../driver/driver-context.ts'
import { RegistryError, type RegistryErrorOptions } from '../registry-error.ts'

/** What a call is, for the error that its deadline raises. */
export type CallSubject = Pick<RegistryErrorOptions, 'backend' | 'operation' | 'service'>

/**
 * Runs `work` with a signal that aborts with `timeout` after `deadlineMs`, or with the outer
 * signal's reason. Settles then even if `work` ignores its signal: a frozen server must never
 * hang a caller.
 */
export const withDeadline = async <T>(
  clock: Clock,
  deadlineMs: number,
  outer: AbortSignal,
  subject: CallSubject,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  outer.throwIfAborted()
  const controller = new AbortController()
  const forward = (): void => controller.abort(outer.reason)
  outer.addEventListener('abort', forward, { once: true })
  const timer = clock.setTimer(deadlineMs, () => {
    const message = `no answer within ${Math.round(deadlineMs)} ms; the backend is unreachable, frozen or slow`
    controller.abort(new RegistryError('timeout', { ...subject, message }))
  })
  try {
    return await abortable(work(controller.signal), controller.signal)
  } finally {
    timer.cancel()
    outer.removeEventListener('abort', forward)
  }
}
