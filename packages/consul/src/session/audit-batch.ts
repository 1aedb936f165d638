import { type Audit, type InstanceRecord, compareClaims, type OwnedRef } from '@sd/core/driver'
import { isRecord, type ServiceEntry } from '../catalog/service-entry.ts'
import { holds, type SessionParts, standingOf } from './session-parts.ts'

const highest = (records: readonly InstanceRecord[]): InstanceRecord | undefined =>
  records.toSorted((a, b) => {
    if (a.claim && b.claim) return compareClaims(b.claim, a.claim)
    return Number(b.claim !== undefined) - Number(a.claim !== undefined)
  })[0]

const auditOf = (
  parts: SessionParts,
  ref: OwnedRef,
  serviceId: string,
  entries: readonly ServiceEntry[],
): Audit => {
  const { catalog, published } = parts
  const sent = published.get(serviceId)
  const own = entries.find(({ sessionId }) => sessionId === parts.id)
  const ownRecord = own && catalog.decode(own)
  const rivals = entries.flatMap((entry) => {
    const decoded = catalog.decode(entry)
    return entry.live && isRecord(decoded) && !holds(parts, ref.owner, entry, decoded)
      ? [decoded]
      : []
  })
  const rival = highest(rivals)
  const mine = ownRecord && isRecord(ownRecord) ? ownRecord.claim : undefined
  // a rival at another agent whose claim is lower will yield, and readers serve ours meanwhile
  if (rival && (!mine || !rival.claim || compareClaims(rival.claim, mine) > 0))
    return { ...ref, state: 'replaced', record: rival }
  if (own === undefined) {
    // a rival's that is not live is nobody's, and written over
    const [other] = entries
      .filter(({ live }) => live)
      .map((entry) => catalog.decode(entry))
      .filter(isRecord)
    return other ? { ...ref, state: 'replaced', record: other } : { ...ref, state: 'missing' }
  }
  // without its check nothing would ever end it, and one that takes no pass is about to leave
  if (sent === undefined || !sent.accepted || !own.checkIds.includes(sent.checkId))
    return { ...ref, state: 'missing' }
  if (own.text === sent.text) return { ...ref, state: 'ours' }
  return ownRecord && isRecord(ownRecord)
    ? { ...ref, state: 'edited', record: ownRecord }
    : { ...ref, state: 'edited' }
}

/** Compares the catalog, which is what readers see, with what this session last sent. */
export const auditBatch = async (
  parts: SessionParts,
  refs: readonly OwnedRef[],
  signal: AbortSignal,
): Promise<readonly Audit[]> => {
  const { keys } = parts.catalog
  const items = refs.map((ref) => ({ ref, service: ref.service, serviceId: keys.serviceId(ref) }))
  const standing = await standingOf(parts, items, 'audit', signal)
  return items.map(({ ref, serviceId }) =>
    auditOf(parts, ref, serviceId, standing.get(serviceId) ?? []),
  )
}
