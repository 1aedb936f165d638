import type { Registration, RegistrationState } from '@sd/core'
import type { HealthService } from '../health/health-service.ts'

/**
 * Which registrations say that the server serves. `recovering` does: the registry is away, not the
 * server, and a readiness probe that failed then would take every server out at once.
 */
const serving: Readonly<Record<RegistrationState, boolean>> = {
  registering: false,
  registered: true,
  recovering: true,
  superseded: false,
  failed: false,
  closed: false,
}

/** Keeps `health` at what the registration's state says, until it is final or the signal aborts. */
export const reportHealth = (
  registration: Registration,
  health: HealthService,
  signal: AbortSignal,
): void => {
  const report = (state: RegistrationState): void =>
    health.set(serving[state] ? 'SERVING' : 'NOT_SERVING')
  report(registration.status.state)
  const follow = async (): Promise<void> => {
    for await (const { state } of registration.statuses({ signal })) report(state)
  }
  // it rejects with the signal's reason only, and then nobody is to be told anything
  follow().catch(() => {})
}
