import {
  highestRecord,
  isReadable,
  putConflict,
  type PutOutcome,
  type PutRequest,
  sleep,
} from '@sd/core/driver'
import type { ServiceEntry } from '../catalog/service-entry.ts'
import { consulError } from '../errors.ts'
import { checkIdOf } from '../keys.ts'
import { type Item, namesOf, readExisting, type SessionContext } from './session-context.ts'
import { removeBatch } from './remove-batch.ts'
import { writeRegistration } from './write-registration.ts'

type Conflict = Extract<PutOutcome, { result: 'conflict' }>

/** How often the catalog is read before a missing record next to a rival's counts as overwritten. */
const undecidedRounds = 6
const firstPauseMs = 10
const longestPauseMs = 200

const toItem = (context: SessionContext, request: PutRequest): Item => {
  const { layout, format } = context.catalog
  const names = namesOf(context, request.instance)
  const record = format.encode(request)
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(record)
    return { ...names, request, text: layout.textOf(text) }
  } catch (cause) {
    const message = `the format ${format.name} does not write what Consul stores, which is text, or the JSON of a service: ${String(cause)}`
    throw consulError('unsupported', 'put', message, names.service)
  }
}

/** The conflict with a live rival that forbids the request; of several, the one with the highest claim. */
const conflictAmong = (
  context: SessionContext,
  { request }: Item,
  entries: readonly ServiceEntry[],
): Conflict | undefined => {
  const rivals = entries
    // an entry that is not live has no owner; an owner that returns compares claims itself
    .filter((entry) => entry.live)
    .map((entry) => context.catalog.existing(entry))
    .filter((existing) => putConflict(context, existing, request) !== undefined)
  if (rivals.length === 0) return undefined
  const holder = highestRecord(rivals.map(({ record }) => record).filter(isReadable))?.claim
  return { result: 'conflict', ...(holder === undefined ? {} : { holder }) }
}

/** The entry with the requested record, live and under this session's own checks. */
const shownIn = (
  context: SessionContext,
  { request, serviceId, text }: Item,
  entries: readonly ServiceEntry[],
): ServiceEntry | undefined => {
  const checkId = checkIdOf(serviceId, context.id)
  const unfit = request.instance.health !== 'passing'
  return entries.find(
    (entry) =>
      entry.sessionId === context.id &&
      entry.text === text &&
      entry.live &&
      entry.reportedUnfit === unfit &&
      entry.checkIds.includes(checkId),
  )
}

/** The outcome of a written record in the catalog; `undefined` while the catalog is not decisive. */
const judge = (
  context: SessionContext,
  item: Item,
  entries: readonly ServiceEntry[],
  round: number,
): PutOutcome | undefined => {
  const conflict = conflictAmong(context, item, entries)
  if (conflict !== undefined) return conflict
  const shown = shownIn(context, item, entries)
  if (shown !== undefined) return { result: 'written', key: shown.key }
  const own = entries.some(({ sessionId }) => sessionId === context.id)
  if (own || round < undecidedRounds || !entries.some(({ live }) => live)) return undefined
  const message = 'another registration of the same id overwrote it at the same time'
  return { result: 'error', error: consulError('unavailable', 'put', message, item.service) }
}

/**
 * Writes the records that no live rival forbids, and waits until the catalog shows them. Reading and
 * writing are two steps, so every writer reads again after its write: of two that register at the same
 * time at least one sees the other. The lower claim then loses, as does every claim that needs a free id.
 */
export const putBatch = async (
  context: SessionContext,
  requests: readonly PutRequest[],
  signal: AbortSignal,
): Promise<readonly PutOutcome[]> => {
  const items = requests.map((request) => toItem(context, request))
  const outcomes = new Map<Item, PutOutcome>()
  const withdrawn: Item[] = []
  const settle = (item: Item, outcome: PutOutcome): void => {
    outcomes.set(item, outcome)
    if (outcome.result === 'conflict') withdrawn.push(item)
  }
  const before = await readExisting(context, items, 'put', signal)
  for (const item of items) {
    const entries = before.get(item.serviceId) ?? []
    const conflict = conflictAmong(context, item, entries)
    if (conflict === undefined) {
      const shown = shownIn(context, item, entries)
      // an earlier attempt has arrived: a thousand slow writes must not begin again
      if (shown !== undefined && context.published.get(item.serviceId)?.accepted)
        outcomes.set(item, { result: 'written', key: shown.key })
      continue
    }
    outcomes.set(item, conflict)
    // an earlier attempt without an answer may have arrived
    if (entries.some(({ sessionId }) => sessionId === context.id)) withdrawn.push(item)
  }
  const writes = await Promise.allSettled(
    items
      .filter((item) => !outcomes.has(item))
      .map(async (item) => {
        const refused = await writeRegistration(context, item, signal)
        if (refused) settle(item, { result: 'error', error: refused })
      }),
  )
  for (const result of writes) if (result.status === 'rejected') throw result.reason
  for (let round = 0; ; round += 1) {
    const open = items.filter((item) => !outcomes.has(item))
    if (open.length === 0) break
    if (round > 0)
      await sleep(context.clock, Math.min(firstPauseMs * 2 ** round, longestPauseMs), signal)
    const now = await readExisting(context, open, 'put', signal)
    for (const item of open) {
      const outcome = judge(context, item, now.get(item.serviceId) ?? [], round)
      if (outcome !== undefined) settle(item, outcome)
    }
  }
  await removeBatch(
    context,
    withdrawn.map(({ service, serviceId, request: { claim } }) => ({
      service,
      serviceId,
      owner: claim.owner,
    })),
    signal,
  )
  return items.map((item) => outcomes.get(item) as PutOutcome)
}
