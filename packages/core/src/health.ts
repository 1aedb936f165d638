import type { ServiceInstance } from './model/service-instance.ts'
import type { Availability } from './runtime/availability.ts'
import type { RegistryError } from './registry-error.ts'
import type { RegistrationStatus } from './registration/registration-state.ts'
import type { RegistrationSupervisor } from './registration/registration-supervisor.ts'
import type { WatchHub } from './watch/watch-hub.ts'
import type { Staleness } from './watch/watch-event.ts'

/** The session that keeps this process's registrations alive. */
export interface SessionHealth {
  readonly state: 'idle' | 'opening' | 'waiting' | 'live' | 'closed'
  readonly id?: string
  readonly grantedTtlMs?: number
  /** When the last heartbeat was acknowledged. */
  readonly renewedAt?: Date
  /** Why it is not live, or the failure of the last heartbeat. */
  readonly cause?: RegistryError
}

/** One registration, pending ones included. */
export interface RegistrationHealth {
  readonly service: string
  readonly id: string
  readonly status: RegistrationStatus
  /** The health that is published, or is to be. */
  readonly health: ServiceInstance['health']
  /** Why its check fails, if it does. */
  readonly checkFailure?: RegistryError
}

/** How fresh one watched scope is. */
export interface WatchHealth {
  /** The service; `undefined` for the scopes `all` and `services`. */
  readonly service: string | undefined
  readonly scope: 'service' | 'all' | 'services'
  readonly state: 'attaching' | 'live' | 'waiting' | 'closed'
  readonly entries: number
  readonly held: number
  readonly readers: number
  readonly stale?: Staleness
}

/** A failure from which the registry recovered or is recovering. */
export interface SurvivedError {
  readonly at: Date
  readonly error: RegistryError
}

/**
 * A registry's state in one word. `ok`: the backend answers, every registration is `registered`, every
 * watch is live, and no removal is pending. `degraded`: the backend answers, and one of the others does
 * not hold. `refused`: the backend denies access. `unreachable`: it does not answer, or fails.
 * `unknown`: nothing was asked of it yet; `Operator.ping` asks. `closed`: by `close()`.
 */
export type HealthState = 'ok' | 'degraded' | 'refused' | 'unreachable' | 'unknown' | 'closed'

/** The state of a registry: what `Operator.health` returns. */
export interface RegistryHealth {
  readonly backend: string
  /** Whether `state` is `ok`. */
  readonly ok: boolean
  readonly state: HealthState
  /** Why the backend is `refused` or `unreachable`. */
  readonly cause?: RegistryError
  readonly session: SessionHealth
  readonly registrations: readonly RegistrationHealth[]
  /** Deregistered ids whose removal the backend has not acknowledged. */
  readonly pendingRemovals: number
  readonly watches: readonly WatchHealth[]
  /** The latest failures, newest last; at most 16. */
  readonly lastErrors: readonly SurvivedError[]
}

const sessionHealth = (supervisor: RegistrationSupervisor): SessionHealth => {
  const { state, latestSession } = supervisor
  const live = state.name === 'live' ? state.session : undefined
  const cause = live === undefined && 'cause' in state ? state.cause : live?.trouble
  return {
    state: state.name,
    ...(live === undefined ? {} : { id: live.id, grantedTtlMs: live.grantedTtlMs }),
    ...(latestSession === undefined ? {} : { renewedAt: new Date(latestSession.renewedAtMs) }),
    ...(cause === undefined ? {} : { cause }),
  }
}

const watchHealth = (engine: ReturnType<WatchHub['engines']>[number]): WatchHealth => {
  const { kind, scope, served, state } = engine
  return {
    service: 'service' in scope ? scope.service : undefined,
    scope: kind,
    state: state.name,
    entries: served.entries.size,
    held: served.heldCount,
    readers: served.readers,
    ...(served.stale === undefined ? {} : { stale: served.stale }),
  }
}

/** Computes the health of a registry from its parts. No I/O. */
export const healthOf = (
  backend: string,
  availability: Availability,
  supervisor: RegistrationSupervisor,
  hub: WatchHub,
  lastErrors: readonly SurvivedError[],
): RegistryHealth => {
  const registrations = supervisor.registrations().map((desired) => ({
    service: desired.instance.service,
    id: desired.instance.id,
    status: desired.status.value,
    health: desired.instance.health,
    ...(desired.checkFailure === undefined ? {} : { checkFailure: desired.checkFailure }),
  }))
  const watches = hub.engines().map(watchHealth)
  const pendingRemovals = supervisor.tombstones
  const well =
    pendingRemovals === 0 &&
    registrations.every(({ status }) => status.state === 'registered') &&
    watches.every(({ stale, state }) => stale === undefined && state === 'live')
  const answering = well ? 'ok' : 'degraded'
  const { cause } = availability
  const state =
    supervisor.state.name === 'closed'
      ? 'closed'
      : availability.state === 'answering'
        ? answering
        : availability.state
  return {
    backend,
    ok: state === 'ok',
    state,
    ...(cause === undefined ? {} : { cause }),
    session: sessionHealth(supervisor),
    registrations,
    pendingRemovals,
    watches,
    lastErrors: [...lastErrors],
  }
}
