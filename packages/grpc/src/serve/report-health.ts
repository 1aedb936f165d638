import type { Registration, RegistrationState } from '@sd/core'
import type { HealthService } from '../health/health-service.ts'

/**
 * The registration states in which the server is serving. `recovering` is one: only the registry is
 * unreachable, and failing readiness probes would take every server out at once.
 */
const serving: Readonly<Record<RegistrationState, boolean>> = {
  registering: false,
  registered: true,
  recovering: true,
  superseded: false,
  failed: false,
  closed: false,
}

/** Updates `health` from the registration's state until the state is final or the signal aborts. */
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
  // rejects only with the signal's reason; there is nothing left to report then
  follow().catch(() => {})
}
