import { toMeta } from '../catalog/service-entry.ts'
import { checkIdOf, healthCheckIdOf } from '../keys.ts'
import type { Item, SessionContext } from './session-context.ts'

/** The shortest time that Consul allows; its reaper takes half a minute more. It only cleans up. */
const cleanUpAfter = '1m'

/** A restarting agent drops a passing state up to a second early, as it saves whole seconds. */
const savedStateMs = 1000

const defaultPorts: Readonly<Record<string, number>> = {
  'http:': 80,
  'ws:': 80,
  'https:': 443,
  'wss:': 443,
}

/** Host and port of the first endpoint, for DNS and for clients that do not read the record. */
const addressOf = (endpoint: string | undefined): { Address?: string; Port?: number } => {
  if (endpoint === undefined || !URL.canParse(endpoint)) return {}
  const { hostname, port, protocol } = new URL(endpoint)
  return {
    Address: hostname.replaceAll(/^\[|\]$/g, ''),
    Port: port === '' ? (defaultPorts[protocol] ?? 0) : Number(port),
  }
}

/** The critical check of an instance that is not passing never ends by itself. */
const healthCheckTtl = '876000h'

/**
 * A second check, as the first one must go on: it keeps the instance alive, and Consul removes a service
 * whose first check stays critical. Consul's DNS and its health API leave out a critical service.
 */
const healthChecks = ({ catalog, id }: SessionContext, item: Item): readonly object[] => {
  const { health } = item.request.instance
  if (health === 'passing') return []
  return [
    {
      CheckID: healthCheckIdOf(item.serviceId, id),
      Name: catalog.keys.healthCheckName,
      Notes: 'critical while the instance is draining or failing',
      TTL: healthCheckTtl,
      Status: 'critical',
    },
  ]
}

/** The registration of one instance as it is sent to the agent. */
export const registration = (context: SessionContext, item: Item, record: Uint8Array): object => {
  const { instance, claim } = item.request
  const { keys } = context.catalog
  return {
    ID: item.serviceId,
    Name: keys.serviceName(item.service),
    ...addressOf(instance.endpoints[0]),
    Tags: instance.tags,
    // Consul refuses 0: a drained instance has weight 1 here, and 0 in its record
    Weights: { Passing: Math.max(1, instance.weight), Warning: 1 },
    Meta: toMeta(record, context.id),
    Checks: [
      {
        CheckID: checkIdOf(item.serviceId, context.id),
        Name: keys.checkName,
        // every edit changes the check, too, as watches of many services read only checks
        Notes: `registered by ${claim.owner} at ${claim.claimedAtMs}, edit ${claim.seq}, session ${context.id}`,
        TTL: `${context.ttlMs + savedStateMs}ms`,
        Status: 'passing',
        DeregisterCriticalServiceAfter: cleanUpAfter,
      },
      ...healthChecks(context, item),
    ],
  }
}
