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

/** What a check speaks for: a service, or where it names none its whole node. */
const subjectOf = ({ Node, ServiceID }: Pick<RawCheck, 'Node' | 'ServiceID'>): string =>
  `${Node}/${ServiceID}`

/** What `health/state` answered to a query for our checks and all that do not pass. */
export const parseLiveServices = (text: string, keys: Keys, operation: string): LiveServices => {
  const checks = parseJson(text, operation) as readonly RawCheck[]
  const sick = new Set(checks.filter(({ Status }) => Status !== 'passing').map(subjectOf))
  const marks = new Map<string, string[]>()
  for (const check of checks) {
    const { Node, Name, Notes, ServiceName } = check
    const subject = subjectOf(check)
    if (Name !== keys.checkName || sick.has(subject) || sick.has(`${Node}/`)) continue
    const service = keys.serviceOf(ServiceName)
    if (service === undefined) continue
    const mark = `${subject} ${Notes}`
    const known = marks.get(service)
    if (known === undefined) marks.set(service, [mark])
    else known.push(mark)
  }
  return new Map([...marks].map(([service, found]) => [service, found.toSorted().join('\n')]))
}
