import { inParallel, type RegistryError } from '@sd/core/driver'
import { type Lane, maxPasses } from '../client/consul-client.ts'
import { consulError, Refusal, toRegistryError } from '../errors.ts'
import type { Published, SessionContext } from './session-context.ts'

/** What was passed less than this share of a ttl ago needs no pass yet. */
const freshShare = 1 / 5
/** A beat that took this share of a ttl ends, and the next goes on with what waited longest. */
const beatShare = 1 / 8

/** A check that the agent does not know: 404, or on old agents 500 with these words. */
const isUnknown = (status: number, text: string): boolean =>
  status === 404 || (status === 500 && /does not have associated TTL|Unknown check/i.test(text))

/**
 * One heartbeat of one instance. No note, so that nothing changes and nothing is written. Returns
 * why the token may not pass this one, if so: that is no other instance's concern.
 */
export const passCheck = async (
  { catalog, clock }: SessionContext,
  published: Published,
  lane: Lane,
  signal: AbortSignal,
): Promise<RegistryError | undefined> => {
  const sentMs = clock.monotonicMs()
  const question = {
    lane,
    method: 'PUT',
    path: `agent/check/pass/${published.checkId}`,
    operation: 'renew',
    service: published.service,
  } as const
  const { status, text } = await catalog.client.ask(question, signal)
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
 * One heartbeat of the session: a pass for each check, the one that waited longest first, for as
 * long as a beat may take. An agent that is too slow for all of them still answers: taking the
 * session for lost, and writing everything again, would only add to its work. Throws
 * `session-lost` when the agent has lost most of them, and what it said where it refuses most.
 */
export const passChecks = async (context: SessionContext, signal: AbortSignal): Promise<void> => {
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
  context.beat = beat.catch(() => {}).finally(() => (context.beat = undefined))
  await beat
  // a beat is a round trip, also where nothing is due
  if (due.length === 0)
    await catalog.client.read(
      { lane: 'heartbeats', path: 'status/leader', operation: 'renew' },
      signal,
    )
  const failed = [...published.values()].filter(({ accepted }) => !accepted).length
  if (failed * 2 > published.size)
    throw refused ?? consulError('session-lost', 'renew', 'the agent does not know our checks')
}
