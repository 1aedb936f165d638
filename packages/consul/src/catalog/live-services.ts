import type { Keys } from '../keys.ts'
import { parseJson } from './service-entry.ts'

/**
 * The services of a namespace with a live entry. The value changes whenever one of their entries or
 * records does.
 */
export type LiveServices = ReadonlyMap<string, string>

interface RawCheck {
  readonly Node: string
  readonly Name: string
  readonly Status: string
  /** This package's checks name the edit of their record, see `registration`. */
  readonly Notes: string
  readonly ServiceID: string
  readonly ServiceName: string
}

/** The subject of a check: a service, or without one its whole node. */
const subjectOf = ({ Node, ServiceID }: Pick<RawCheck, 'Node' | 'ServiceID'>): string =>
  `${Node}/${ServiceID}`

/** The services in the answer of `health/state` to `liveServicesQuery`. */
export const parseLiveServices = (text: string, keys: Keys, operation: string): LiveServices => {
  const checks = parseJson(text, operation) as readonly RawCheck[]
  const failing = new Set(checks.filter(({ Status }) => Status !== 'passing').map(subjectOf))
  const marks = new Map<string, string[]>()
  for (const check of checks) {
    const { Node, Name, Notes, ServiceName } = check
    const subject = subjectOf(check)
    if (Name !== keys.checkName || failing.has(subject) || failing.has(`${Node}/`)) continue
    const service = keys.serviceOf(ServiceName)
    if (service === undefined) continue
    const mark = `${subject} ${Notes}`
    const known = marks.get(service)
    if (known === undefined) marks.set(service, [mark])
    else known.push(mark)
  }
  return new Map([...marks].map(([service, found]) => [service, found.toSorted().join('\n')]))
}
