import { setTimeout as delay } from 'node:timers/promises'
import type { Server } from '@grpc/grpc-js'
import type { Registration } from '@sd/core'
import type { HealthService } from '../health/health-service.ts'
import type { StopTimes } from './serve-options.ts'

/** The result of a stop. */
export interface StopOutcome {
  /**
   * Whether the registry confirmed the removal of the instance within `deregisterMs`. If not, it is
   * removed as soon as the registry answers, or when its ttl expires.
   */
  readonly deregistered: boolean
  /**
   * Whether all calls ended by themselves. If not, the rest was ended with CANCELLED after
   * `drainMs`.
   */
  readonly drained: boolean
}

const deregister = async (registration: Registration, deadlineMs: number): Promise<boolean> => {
  try {
    await registration.deregister({ signal: AbortSignal.timeout(deadlineMs) })
    return true
  } catch {
    // the registry keeps and repeats the removal, whatever ended the wait
    return false
  }
}

const drain = async (
  server: Server,
  health: HealthService | undefined,
  drainMs: number,
): Promise<boolean> => {
  const deadline = new AbortController()
  const ended = new Promise<boolean>((resolve) => server.tryShutdown(() => resolve(true)))
  // a Watch never ends by itself; from now on no client can open another
  health?.endWatches()
  try {
    return await Promise.race([
      ended,
      delay(drainMs, false, { signal: deadline.signal }).catch(() => true),
    ])
  } finally {
    deadline.abort()
  }
}

/** Deregisters, waits, drains, and forcibly shuts down the rest. Never rejects. */
export const stopServer = async (
  server: Server,
  registration: Registration,
  health: HealthService | undefined,
  { deregisterMs, propagationMs, drainMs }: StopTimes,
): Promise<StopOutcome> => {
  health?.set('NOT_SERVING')
  const deregistered = await deregister(registration, deregisterMs)
  await delay(propagationMs)
  const drained = await drain(server, health, drainMs)
  if (!drained) server.forceShutdown()
  return { deregistered, drained }
}
