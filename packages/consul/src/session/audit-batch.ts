import {
  type Audit,
  auditRecord,
  compareClaims,
  highestRecord,
  isHeldBy,
  isReadable,
  type OwnedRef,
} from '@sd/core/driver'
import type { ServiceEntry } from '../catalog/service-entry.ts'
import { namesOf, readExisting, type SessionContext } from './session-context.ts'

const auditOf = (
  context: SessionContext,
  ref: OwnedRef,
  serviceId: string,
  entries: readonly ServiceEntry[],
): Audit => {
  const { id, catalog, published } = context
  // an entry that is not live has no owner, and is overwritten
  const live = entries.filter((entry) => entry.live).map((entry) => catalog.existing(entry))
  const rivals = live.filter((existing) => !isHeldBy(context, existing, ref.owner))
  const highest = highestRecord(rivals.map(({ record }) => record).filter(isReadable))
  const rival = rivals.find(({ record }) => record === highest)
  const own = entries.find(({ sessionId }) => sessionId === id)
  const existing = own && catalog.existing(own)
  const claim = existing && isReadable(existing.record) ? existing.record.claim : undefined
  // a rival at another agent with a lower claim will lose; until then readers get this session's record
  if (rival && (!claim || !highest?.claim || compareClaims(highest.claim, claim) > 0))
    return auditRecord(context, ref, rival, undefined)
  if (own === undefined) return auditRecord(context, ref, live[0], undefined)
  const sent = published.get(serviceId)
  // without its check the entry would never end; if its check takes no pass, it ends soon
  if (sent === undefined || !sent.accepted || !own.checkIds.includes(sent.checkId))
    return { ...ref, state: 'missing' }
  // somebody passed or removed the check that takes it out of Consul's own DNS
  if (own.reportedUnfit !== sent.reportedUnfit) return { ...ref, state: 'missing' }
  return auditRecord(context, ref, existing, Buffer.from(sent.text))
}

/** Compares the catalog, which readers see, with the records that this session last sent. */
export const auditBatch = async (
  context: SessionContext,
  refs: readonly OwnedRef[],
  signal: AbortSignal,
): Promise<readonly Audit[]> => {
  const items = refs.map((ref) => ({ ref, ...namesOf(context, ref) }))
  const existing = await readExisting(context, items, 'audit', signal)
  return items.map(({ ref, serviceId }) =>
    auditOf(context, ref, serviceId, existing.get(serviceId) ?? []),
  )
}
