import { abortable, type RegistryError } from '@sd/core/driver'
import { toRegistryError } from '../errors.ts'
import { checkIdOf, healthCheckIdOf } from '../keys.ts'
import { passCheck } from './pass-checks.ts'
import { registration } from './registration.ts'
import type { Item, SessionContext } from './session-context.ts'

const send = async (
  context: SessionContext,
  item: Item,
  signal: AbortSignal,
): Promise<RegistryError | undefined> => {
  const { catalog, clock, late, published, services } = context
  const query = {
    pool: 'writes',
    method: 'PUT',
    path: 'agent/service/register?replace-existing-checks=true',
    body: registration(context, item),
    operation: 'put',
    service: item.service,
  } as const
  services.add(item.service)
  const sentMs = clock.monotonicMs()
  const giveUp = catalog.client.awaitAnswer('writes')
  const writing = late.run((unbound) => catalog.client.ask(query, unbound), signal)
  const answer = await writing.catch((error: unknown) => {
    // the write goes on, but must not hold a connection that others need
    if (signal.aborted) giveUp()
    throw error
  })
  try {
    catalog.client.accept(query, answer)
  } catch (refused) {
    return toRegistryError(refused, 'put', item.service)
  }
  const written = {
    service: item.service,
    checkId: checkIdOf(item.serviceId, context.id),
    text: item.text,
    reportedUnfit: item.request.instance.health !== 'passing',
    passedMs: sentMs,
    accepted: true,
  }
  published.set(item.serviceId, written)
  // an agent saves a check's state when it is passed, not when it is registered: without this pass
  // a restarting agent would begin with a critical check
  await passCheck(context, written, 'writes', signal)
  if (written.reportedUnfit) await failHealthCheck(context, item, signal)
  return undefined
}

/**
 * A registration keeps the status of a check that the agent already has, so somebody else's pass of it
 * must be undone. A refusal is left to the audit.
 */
const failHealthCheck = async (
  { catalog, id }: SessionContext,
  { request, service, serviceId }: Item,
  signal: AbortSignal,
): Promise<void> => {
  const path = `agent/check/update/${healthCheckIdOf(serviceId, id)}`
  const body = { Status: 'critical', Output: `the instance is ${request.instance.health}` }
  const query = { pool: 'writes', method: 'PUT', path, body, operation: 'put', service } as const
  await catalog.client.ask(query, signal)
}

/**
 * Sends one registration to the agent once it has a permit; until then it has certainly not been
 * sent. Returns `undefined` when the agent accepted it.
 */
export const writeRegistration = async (
  context: SessionContext,
  item: Item,
  signal: AbortSignal,
): Promise<RegistryError | undefined> => {
  const release = await context.writes.acquire(signal)
  try {
    while (context.heartbeat !== undefined) await abortable(context.heartbeat, signal)
    return await send(context, item, signal)
  } finally {
    release()
  }
}
