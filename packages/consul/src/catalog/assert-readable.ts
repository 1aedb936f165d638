import type { ConsulResponse, ConsulClient } from '../client/consul-client.ts'
import { consulError } from '../errors.ts'
import { parseJson } from './service-entry.ts'

/** A read with an empty answer. */
export interface Emptiness {
  readonly operation: string
  readonly service: string | undefined
  /** The service's name in Consul; `undefined` for all services. */
  readonly serviceName: string | undefined
}

/**
 * Consul hides data that a token may not read: the answer is 200 and empty, like that of a service
 * without instances. Newer servers report this in a header. For older ones this asks whether the
 * token may read the service, and lists the nodes, as there is always one. Throws `permission-denied`.
 */
export const assertReadable = async (
  client: ConsulClient,
  { filtered }: Pick<ConsulResponse, 'filtered'>,
  { operation, service, serviceName }: Emptiness,
  signal: AbortSignal,
): Promise<void> => {
  const deny = (right: string): never => {
    const message = `the answer is empty as the token lacks ${right}; give it a policy that allows it`
    throw consulError('permission-denied', operation, message, service)
  }
  if (filtered) deny('service:read or node:read')
  const query = {
    pool: 'calls',
    method: 'POST',
    path: 'internal/acl/authorize',
    body: [{ Resource: 'service', Access: 'read', Segment: serviceName ?? 'consul' }],
    operation,
    service,
  } as const
  const rights = await client.ask(query, signal)
  // 401: ACLs are off; any other: the server has no such endpoint, but sets the header
  if (rights.status !== 200 && rights.status !== 403) return
  client.accept(query, rights)
  const [right] = parseJson(rights.text, operation) as readonly { readonly Allow: boolean }[]
  if (serviceName !== undefined && right?.Allow === false) deny(`service:read on "${serviceName}"`)
  const nodes = { pool: 'calls', path: 'catalog/nodes', operation, service } as const
  const { text } = await client.read(nodes, signal)
  if ((parseJson(text, operation) as readonly unknown[]).length === 0) deny('node:read')
}
