import { abortable, type RegistryError } from '@sd/core/driver'
import { toRegistryError } from '../errors.ts'
import { checkIdOf } from '../keys.ts'
import { passCheck } from './pass-checks.ts'
import { registration } from './registration.ts'
import type { Item, SessionContext } from './session-context.ts'

/** An item with its record as it is written. */
export interface Writable extends Item {
  readonly record: Uint8Array
}

const send = async (
  context: SessionContext,
  item: Writable,
  signal: AbortSignal,
): Promise<RegistryError | undefined> => {
  const { catalog, clock, late, published, services } = context
  const question = {
    lane: 'writes',
    method: 'PUT',
    path: 'agent/service/register?replace-existing-checks=true',
    body: registration(context, item, item.record),
    operation: 'put',
    service: item.service,
  } as const
  services.add(item.service)
  const sentMs = clock.monotonicMs()
  const answer = await late.run((patient) => catalog.client.ask(question, patient), signal)
  try {
    catalog.client.accept(question, answer)
  } catch (refused) {
    return toRegistryError(refused, 'put', item.service)
  }
  const written = {
    service: item.service,
    checkId: checkIdOf(item.serviceId, context.id),
    text: item.text,
    passedMs: sentMs,
    accepted: true,
  }
  published.set(item.serviceId, written)
  // an agent saves a check's state when it is passed, not when it is registered: without this one
  // that restarts would begin as critical, and so would one that had missed its passes
  await passCheck(context, written, 'writes', signal)
  return undefined
}

/**
 * Sends one registration to the agent, when its turn has come: until then it has certainly not
 * been sent. `undefined` when the agent took it.
 */
export const writeRegistration = async (
  context: SessionContext,
  item: Writable,
  signal: AbortSignal,
): Promise<RegistryError | undefined> => {
  const release = await context.writes.take(signal)
  try {
    while (context.beat !== undefined) await abortable(context.beat, signal)
    return await send(context, item, signal)
  } finally {
    release()
  }
}
