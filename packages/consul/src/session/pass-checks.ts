import { inParallel, type RegistryError } from '@sd/core/driver'
import { type PoolName, maxPasses } from '../client/consul-client.ts'
import { consulError, Refusal, toRegistryError } from '../errors.ts'
import type { PassedCheck, PassingContext } from './session-context.ts'

/** A check that was passed less than this share of a ttl ago needs no pass yet. */
const freshShare = 1 / 5
/** A heartbeat ends after this share of a ttl; the next continues with the checks that waited longest. */
const beatShare = 1 / 8

/** Whether the agent does not know the check: 404, or on old agents 500 with this text. */
const isUnknown = (status: number, text: string): boolean =>
  status === 404 || (status === 500 && /does not have associated TTL|Unknown check/i.test(text))

/**
 * One heartbeat of one instance. It has no note, so that nothing changes and nothing is written. Returns
 * the error if the token may not pass this check; other instances are not affected.
 */
export const passCheck = async (
  { catalog, clock }: Pick<PassingContext, 'catalog' | 'clock'>,
  published: PassedCheck,
  pool: PoolName,
  signal: AbortSignal,
): Promise<RegistryError | undefined> => {
  const sentMs = clock.monotonicMs()
  const query = {
    pool,
    method: 'PUT',
    path: `agent/check/pass/${published.checkId}`,
    operation: 'renew',
    service: published.service,
  } as const
  const { status, text } = await catalog.client.ask(query, signal)
  const unknown = isUnknown(status, text)
  published.accepted = !unknown && status !== 403
  if (status === 200 || unknown) {
    published.passedMs = sentMs
    return undefined
  }
  const refused = toRegistryError(new Refusal(status, text), 'renew', published.service)
  if (status === 403) return refused
  throw refused
}

/**
 * One heartbeat of the session: a pass for each check, the one that waited longest first, within the
 * time limit of a heartbeat. An agent that is too slow for all checks is still alive: writing everything
 * again would only add to its load, so the session is not taken for lost. Throws `session-lost` when
 * the agent has lost most of the checks, and the agent's refusal if it refuses most of them.
 */
export const passChecks = async (context: PassingContext, signal: AbortSignal): Promise<void> => {
  const { clock, ttlMs, published, catalog } = context
  const beganMs = clock.monotonicMs()
  const due = [...published.values()]
    .filter(({ passedMs }) => beganMs - passedMs >= ttlMs * freshShare)
    .toSorted((a, b) => a.passedMs - b.passedMs)
  let refused: RegistryError | undefined
  const beat = inParallel(due, maxPasses, async (item) => {
    if (clock.monotonicMs() - beganMs >= ttlMs * beatShare) return
    refused = (await passCheck(context, item, 'heartbeats', signal)) ?? refused
  })
  context.heartbeat = beat.catch(() => {}).finally(() => (context.heartbeat = undefined))
  await beat
  // a heartbeat is a round trip, even if nothing is due
  if (due.length === 0)
    await catalog.client.read(
      { pool: 'heartbeats', path: 'status/leader', operation: 'renew' },
      signal,
    )
  const failed = [...published.values()].filter(({ accepted }) => !accepted).length
  if (failed * 2 > published.size)
    throw (
      refused ??
      consulError('session-lost', 'renew', 'the agent does not know the checks of this session')
    )
}
