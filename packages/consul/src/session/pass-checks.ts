import { type Lane, maxPasses } from '../client/consul-client.ts'
import { inParallel } from '../client/in-parallel.ts'
import { consulError, Refusal, toRegistryError } from '../errors.ts'
import type { Published, SessionParts } from './session-parts.ts'

/** What was passed less than this share of a ttl ago needs no pass yet. */
const freshShare = 1 / 5
/** A beat that took this share of a ttl ends, and the next goes on with what waited longest. */
const beatShare = 1 / 8

/** A check that the agent does not know: 404, or on old agents 500 with these words. */
const isUnknown = (status: number, text: string): boolean =>
  status === 404 || (status === 500 && /does not have associated TTL|Unknown check/i.test(text))

/** One heartbeat of one instance. No note, so that nothing changes and nothing is written. */
export const passCheck = async (
  { catalog, clock }: SessionParts,
  published: Published,
  lane: Lane,
  signal: AbortSignal,
): Promise<void> => {
  const sentMs = clock.monotonicMs()
  const question = {
    lane,
    method: 'PUT',
    path: `agent/check/pass/${published.checkId}`,
    operation: 'renew',
    service: published.service,
  } as const
  const { status, text } = await catalog.client.ask(question, signal)
  published.known = !isUnknown(status, text)
  if (published.known && status !== 200)
    throw toRegistryError(new Refusal(status, text), 'renew', published.service)
  published.passedMs = sentMs
}

/**
 * One heartbeat of the session: a pass for each check, the one that waited longest first, for as
 * long as a beat may take. An agent that is too slow for all of them still answers: taking the
 * session for lost, and writing everything again, would only add to its work. Throws
 * `session-lost` when the agent has lost most of them.
 */
export const passChecks = async (parts: SessionParts, signal: AbortSignal): Promise<void> => {
  const { clock, ttlMs, published, catalog } = parts
  const beganMs = clock.monotonicMs()
  const due = [...published.values()]
    .filter(({ passedMs }) => beganMs - passedMs >= ttlMs * freshShare)
    .toSorted((a, b) => a.passedMs - b.passedMs)
  const beat = inParallel(due, maxPasses, async (item) => {
    if (clock.monotonicMs() - beganMs >= ttlMs * beatShare) return
    await passCheck(parts, item, 'heartbeats', signal)
  })
  parts.beat = beat.catch(() => {}).finally(() => (parts.beat = undefined))
  await beat
  // a beat is a round trip, also where nothing is due
  if (due.length === 0)
    await catalog.client.read(
      { lane: 'heartbeats', path: 'status/leader', operation: 'renew' },
      signal,
    )
  const unknown = [...published.values()].filter(({ known }) => !known).length
  if (unknown * 2 > published.size)
    throw consulError('session-lost', 'renew', 'the agent does not know our checks any more')
}
