import type { Clock } from '@sd/core/driver'
import { consulError } from '../errors.ts'
import type { Question } from './consul-client.ts'

/**
 * `work` with a signal that aborts with `timeout` after `limitMs`. For what an observation asks:
 * core ends calls that take too long, but an observation may be silent for as long as it likes.
 */
export const withTimeout = async <T>(
  clock: Clock,
  limitMs: number,
  { operation, service }: Pick<Question, 'operation' | 'service'>,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  signal.throwIfAborted()
  const controller = new AbortController()
  const forward = (): void => controller.abort(signal.reason)
  const timer = clock.setTimer(limitMs, () => {
    const message = `the agent did not answer within ${limitMs} ms`
    controller.abort(consulError('timeout', operation, message, service))
  })
  signal.addEventListener('abort', forward, { once: true })
  try {
    return await work(controller.signal)
  } finally {
    timer.cancel()
    signal.removeEventListener('abort', forward)
  }
}
