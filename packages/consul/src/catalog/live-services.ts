import type { Keys } from '../keys.ts'
import { parseJson } from './service-entry.ts'

/**
 * The services of a namespace that have something live. The value changes with whatever lives
 * there, and with each of its records.
 */
export type LiveServices = ReadonlyMap<string, string>

interface RawCheck {
  readonly Node: string
  readonly Name: string
  readonly Status: string
  /** Ours hold which edit of the record they stand beside, see `registration`. */
  readonly Notes: string
  readonly ServiceID: string
  readonly ServiceName: string
}

/** What `health/state` answered to a query for our checks and those of nodes. */
export const parseLiveServices = (text: string, keys: Keys, operation: string): LiveServices => {
  const checks = parseJson(text, operation) as readonly RawCheck[]
  const sickNodes = new Set(
    checks
      .filter(({ ServiceID, Status }) => ServiceID === '' && Status !== 'passing')
      .map(({ Node }) => Node),
  )
  const marks = new Map<string, string[]>()
  for (const { Node, Name, Status, Notes, ServiceID, ServiceName } of checks) {
    if (Name !== keys.checkName || Status !== 'passing' || sickNodes.has(Node)) continue
    const service = keys.serviceOf(ServiceName)
    if (service === undefined) continue
    const mark = `${Node}/${ServiceID} ${Notes}`
    const known = marks.get(service)
    if (known === undefined) marks.set(service, [mark])
    else known.push(mark)
  }
  return new Map([...marks].map(([service, found]) => [service, found.toSorted().join('\n')]))
}
