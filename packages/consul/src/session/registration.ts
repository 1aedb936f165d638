import { checkIdOf, healthCheckIdOf } from '../keys.ts'
import type { Item, SessionContext } from './session-context.ts'

/** The shortest time that Consul allows; its reaper takes half a minute more. It only cleans up. */
const cleanUpAfter = '1m'

/** A restarting agent drops a passing state up to a second early, as it saves whole seconds. */
const savedStateMs = 1000

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
      Name: catalog.layout.healthCheckName,
      Notes: 'critical while the instance is draining or failing',
      TTL: healthCheckTtl,
      Status: 'critical',
    },
  ]
}

/** The registration of one instance as it is sent to the agent. */
export const registration = (context: SessionContext, item: Item): object => {
  const { layout } = context.catalog
  const { service, notes } = layout.fieldsOf(item.request, item.text, context.id)
  return {
    ...service,
    ID: item.serviceId,
    Name: layout.serviceName(item.service),
    Checks: [
      {
        CheckID: checkIdOf(item.serviceId, context.id),
        Name: layout.checkName,
        Notes: notes,
        TTL: `${context.ttlMs + savedStateMs}ms`,
        Status: 'passing',
        DeregisterCriticalServiceAfter: cleanUpAfter,
      },
      ...healthChecks(context, item),
    ],
  }
}
