import type { RegistryContext } from './registry-context.ts'
import { type CallEvent, hasSubscribers } from './runtime/diagnostics.ts'

/**
 * Makes a call and publishes its duration on `sd:call` when it has ended. Without subscribers it only
 * makes the call.
 */
export const timeCall = <T>(
  context: RegistryContext,
  operation: CallEvent['operation'],
  service: string | undefined,
  call: () => Promise<T>,
): Promise<T> => (hasSubscribers('call') ? timed(context, { operation, service }, call) : call())

const timed = async <T>(
  { options: { clock }, publish }: RegistryContext,
  subject: Pick<CallEvent, 'operation' | 'service'>,
  call: () => Promise<T>,
): Promise<T> => {
  const beganMs = clock.monotonicMs()
  const ended = (failure: Pick<CallEvent, 'error'>): void => {
    const durationMs = clock.monotonicMs() - beganMs
    publish('call', 'unlogged', 'call-ended', '', { ...subject, durationMs, ...failure })
  }
  try {
    const result = await call()
    ended({})
    return result
  } catch (error) {
    ended({ error })
    throw error
  }
}
