import type { LaunchedServer } from './server.ts'
import type { LaunchOptions, Member, ServerSpec } from './server-spec.ts'

/** What every kind of place needs to know about the cluster it is opened for. */
export interface SiteOptions {
  readonly spec: ServerSpec
  readonly members: readonly string[]
  readonly version: string
  readonly launch: LaunchOptions
  /** The host's port that was chosen for a member's port. */
  hostPort(member: string, port: string): number
}

/** Where the members of one cluster live: a network of containers, or a folder of processes. */
export interface Site {
  /** The member, not started yet. */
  server(name: string): LaunchedServer
  /** Removes what the members shared; they are gone by then. */
  close(): Promise<void>
}

/** One member: its spec, where it finds itself, and what the test changes. */
export interface MemberOptions {
  readonly spec: ServerSpec
  readonly member: Member
  readonly launch: LaunchOptions
}

/** The member's arguments: the spec's, then the test's. */
export const argumentsOf = ({ spec, member, launch }: MemberOptions): readonly string[] => {
  const extra = typeof launch.args === 'function' ? launch.args(member) : launch.args
  return [...(spec.args?.(member, launch) ?? []), ...(extra ?? [])]
}

/** The member's files by absolute path: the spec's, then the test's in `confDir`. */
export const filesOf = ({
  spec,
  member,
  launch,
}: MemberOptions): readonly (readonly [path: string, content: string])[] => [
  ...Object.entries(spec.files?.(member, launch) ?? {}),
  ...Object.entries(launch.files ?? {}).map(
    ([name, content]) => [`${member.confDir}/${name}`, content] as const,
  ),
]

/** The member's environment beside the test's own: the spec's, then the test's. */
export const environmentOf = ({
  spec,
  member,
  launch,
}: MemberOptions): Readonly<Record<string, string>> => ({
  ...spec.env?.(member, launch),
  ...launch.env,
})
