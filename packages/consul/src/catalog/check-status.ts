import { checkIdOf, healthCheckIdOf } from '../keys.ts'

/** A check as Consul lists it. */
export interface Check {
  readonly CheckID: string
  readonly Status: string
  readonly Notes?: string
}

/** The check of Consul's gossip: it is critical once the node's agent is gone. */
export const nodeAliveCheckId = 'serfHealth'

const passes = ({ Status }: Check): boolean => Status === 'passing'

const isMaintenance = ({ CheckID }: Check): boolean =>
  CheckID === '_node_maintenance' || CheckID.startsWith('_service_maintenance:')

/**
 * What checks that this package did not register say about an instance: `draining` in maintenance,
 * `failing` if another one does not pass, as Consul's own DNS and health API leave the service out then.
 * `undefined`: nothing.
 */
export const foreignHealth = (foreign: readonly Check[]): 'draining' | 'failing' | undefined => {
  const failed = foreign.filter((check) => !passes(check))
  if (failed.some(isMaintenance)) return 'draining'
  return failed.length > 0 ? 'failing' : undefined
}

/** What the checks of an entry and of its node say, each for its purpose. */
export interface CheckStatus {
  /** Whether its owner and its node's agent live. */
  readonly live: boolean
  /** Whether its owner's check says that it is not passing. */
  readonly reportedUnfit: boolean
  /** See `foreignHealth`. */
  readonly foreign: 'draining' | 'failing' | undefined
}

/**
 * Tells an owner's liveness from its health, and its checks from those of others. An entry without its
 * session's check, which this package did not write, is live while all its checks pass, except for
 * maintenance: what else fails may be its heartbeat.
 */
export const checkStatusOf = (
  checks: readonly Check[],
  serviceId: string,
  sessionId: string,
): CheckStatus => {
  const aliveId = checkIdOf(serviceId, sessionId)
  const alive = checks.find(({ CheckID }) => CheckID === aliveId)
  if (alive === undefined) {
    const live = checks.every((check) => passes(check) || isMaintenance(check))
    return { live, reportedUnfit: false, foreign: live ? foreignHealth(checks) : undefined }
  }
  const healthId = healthCheckIdOf(serviceId, sessionId)
  const node = checks.find(({ CheckID }) => CheckID === nodeAliveCheckId)
  const health = checks.find(({ CheckID }) => CheckID === healthId)
  const own = new Set([alive, node, health])
  return {
    live: passes(alive) && (node === undefined || node.Status !== 'critical'),
    reportedUnfit: health !== undefined && !passes(health),
    foreign: foreignHealth(checks.filter((check) => !own.has(check))),
  }
}
