import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RegistryHealth } from '@sd/core'
import { writeResponse } from './weight-handler.ts'

/** The part of a registry that the probes use. */
export interface HealthSource {
  health(): RegistryHealth
}

/** One probe, as a Web-standard function and for `node:http`. */
export interface ProbeHandler {
  (): Response
  readonly node: (request: IncomingMessage, response: ServerResponse) => void
}

/** The probes that orchestrators request. */
export interface HealthHandlers {
  /** Always 200, because a restart does not fix a problem of the registry. */
  readonly livez: ProbeHandler
  /**
   * 200 if every registration is `registered` or `recovering`, and none is draining; else 503 with the
   * reasons.
   */
  readonly readyz: ProbeHandler
}

const probe = (read: () => { readonly status: number; readonly body: object }): ProbeHandler => {
  const handle = (): Response => {
    const { status, body } = read()
    return Response.json(body, { status, headers: { 'cache-control': 'no-store' } })
  }
  const node = (request: IncomingMessage, response: ServerResponse): void => {
    writeResponse(request, response, handle()).catch(() => response.destroy())
  }
  return Object.assign(handle, { node })
}

/** Describes why a process is not ready; empty if it is ready. */
const reasonsOf = ({ registrations }: RegistryHealth): readonly string[] =>
  registrations.length === 0
    ? ['nothing is registered']
    : registrations.flatMap(({ service, id, health, status: { state, cause } }) => {
        if (state !== 'registered' && state !== 'recovering')
          return [[`${service}/${id} is ${state}`, ...(cause ? [cause.message] : [])].join(': ')]
        return health === 'draining' ? [`${service}/${id} is draining`] : []
      })

/**
 * Handlers for `/livez` and `/readyz`, as JSON with the reason, the health of each instance and the
 * freshness of each watch.
 *
 * An unreachable registry does not make a process unready: the process still serves with its last
 * known state, and removing the whole fleet at once would make the outage total. A process is ready
 * from its first registration until its deregistration, unless it drains. An instance whose check
 * fails is ready: the check may be one of `/readyz`, which could otherwise never pass again.
 */
export const healthHandlers = (registry: HealthSource): HealthHandlers => ({
  livez: probe(() => ({ status: 200, body: { status: 'ok' } })),
  readyz: probe(() => {
    const health = registry.health()
    const reasons = reasonsOf(health)
    const { registrations, watches, session } = health
    return {
      status: reasons.length === 0 ? 200 : 503,
      body: {
        status: reasons.length === 0 ? 'ok' : 'not ready',
        reasons,
        session: session.state,
        registrations: registrations.map((registration) => ({
          service: registration.service,
          id: registration.id,
          state: registration.status.state,
          health: registration.health,
          ...(registration.checkFailure === undefined
            ? {}
            : { checkFailure: registration.checkFailure.message }),
        })),
        watches: watches.map(({ service, scope, stale }) => ({
          ...(service === undefined ? {} : { service }),
          scope,
          fresh: stale === undefined,
          ...(stale === undefined ? {} : { staleSince: stale.since, cause: stale.cause.message }),
        })),
      },
    }
  }),
})
