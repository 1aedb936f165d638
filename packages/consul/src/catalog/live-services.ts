import { type Check, foreignHealth, nodeAliveCheckId } from './check-status.ts'
import { parseJson } from './service-entry.ts'
import type { ServiceLayout } from './service-layout.ts'

/**
 * The services of a namespace with a live entry. The value changes whenever one of their entries or
 * records, or a check of them or their node, does.
 */
export type LiveServices = ReadonlyMap<string, string>

interface RawCheck extends Check {
  readonly Node: string
  readonly Name: string
  /** This package's checks name the edit of their record, see `registration`. */
  readonly Notes: string
  readonly ServiceID: string
  readonly ServiceName: string
}

/** The subject of a check: a service, or without one its whole node. */
const subjectOf = ({ Node, ServiceID }: Pick<RawCheck, 'Node' | 'ServiceID'>): string =>
  `${Node}/${ServiceID}`

/** The services in the answer of `health/state` to `liveServicesQuery`. */
export const parseLiveServices = (
  text: string,
  layout: ServiceLayout,
  operation: string,
): LiveServices => {
  const checks = parseJson(text, operation) as readonly RawCheck[]
  const isNodeAlive = ({ CheckID }: Check): boolean => CheckID === nodeAliveCheckId
  const deadNodes = new Set(
    checks
      .filter((check) => isNodeAlive(check) && check.Status === 'critical')
      .map(({ Node }) => Node),
  )
  const isOurs = ({ Name }: RawCheck): boolean =>
    Name === layout.checkName || Name === layout.healthCheckName
  const foreign = Map.groupBy(
    checks.filter((check) => !isOurs(check) && !isNodeAlive(check)),
    subjectOf,
  )
  const marks = new Map<string, string[]>()
  for (const check of checks) {
    const { Node, Name, Notes, ServiceName, Status } = check
    if (Name !== layout.checkName || Status !== 'passing' || deadNodes.has(Node)) continue
    const subject = subjectOf(check)
    const service = layout.serviceOf(ServiceName)
    if (service === undefined) continue
    const others = [...(foreign.get(subject) ?? []), ...(foreign.get(`${Node}/`) ?? [])]
    const mark = `${subject} ${foreignHealth(others) ?? ''} ${Notes}`
    const known = marks.get(service)
    if (known === undefined) marks.set(service, [mark])
    else known.push(mark)
  }
  return new Map([...marks].map(([service, found]) => [service, found.toSorted().join('\n')]))
}
