import { RegistryError, show, type Staleness } from '@sd/core'
import type { Member } from './member.ts'
import type { PickOptions } from './pick.ts'

/** The facts for the error of a pick that found nothing. */
export interface PickInVain {
  readonly service: string | undefined
  readonly members: Iterable<Member>
  readonly request: PickOptions | undefined
  /** The registry has reported nothing yet. */
  readonly unsynced: boolean
  readonly stale: Staleness | undefined
}

const schemesOf = ({ scheme = [] }: PickOptions): readonly string[] =>
  typeof scheme === 'string' ? [scheme] : scheme

const isOrAre = (count: number, rest: string): string =>
  `${count} ${count === 1 ? 'is' : 'are'} ${rest}`

/** Why this member cannot be picked. The message groups members by the text before `: `. */
const reasonOf = (member: Member, request: PickOptions | undefined): string => {
  if (member.refusal !== undefined) return member.refusal
  if (!member.wanted) return 'outside the subset'
  if (member.suspended) return 'suspended'
  if (member.standing === 'draining') return 'draining'
  if (member.failing) return 'failing'
  if (member.home === undefined) return 'ejected after failed calls'
  if (request?.exclude?.has(member.id) === true) return 'excluded by this pick'
  return 'without an endpoint of the wanted scheme'
}

const why = (given: PickInVain): string => {
  if (given.unsynced) return 'the registry has not answered yet; wait for ready()'
  const groups = new Map<string, number>()
  const schemes = new Set<string>()
  let total = 0
  for (const member of given.members) {
    total += 1
    const reason = reasonOf(member, given.request)
    groups.set(reason, (groups.get(reason) ?? 0) + 1)
    for (const scheme of member.schemes) schemes.add(scheme)
  }
  if (total === 0) return 'no instance is registered'
  const parts = [...groups].map(([reason, count]) => isOrAre(count, reason))
  const wanted = given.request === undefined ? [] : schemesOf(given.request)
  const asked =
    wanted.length > 0
      ? `; expected an endpoint of scheme ${wanted.map(show).join(' or ')}, instances have ${[...schemes].map(show).join(', ') || 'none'}`
      : ''
  return `of ${total} registered ${total === 1 ? 'instance' : 'instances'} ${parts.join(', ')}${asked}`
}

/** Creates the error of a pick that found nothing, with the reasons. */
export const unavailable = (given: PickInVain): RegistryError => {
  const { service, stale } = given
  const staleness =
    stale === undefined
      ? ''
      : `; the registry has been unreachable since ${stale.since.toISOString()}: ${stale.cause.message}`
  return new RegistryError('unavailable', {
    backend: 'balancer',
    operation: 'pick',
    service,
    message: `${why(given)}${staleness}`,
    cause: stale?.cause,
  })
}
