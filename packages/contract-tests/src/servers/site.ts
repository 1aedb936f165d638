import type { LaunchedServer } from './server.ts'
import type { LaunchOptions, Member, ServerSpec } from './server-spec.ts'

/** The cluster's options, common to all kinds of sites. */
export interface SiteOptions {
  readonly spec: ServerSpec
  readonly members: readonly string[]
  readonly version: string
  readonly launch: LaunchOptions
  /** The host port assigned to a member's port. */
  hostPort(member: string, port: string): number
}

/**
 * The place where the members of one cluster run: a network of containers, or a folder of
 * processes.
 */
export interface Site {
  /** Creates the member without starting it. */
  server(name: string): LaunchedServer
  /** Removes shared resources, after the members have ended. */
  close(): Promise<void>
}

/** One member: its spec, its place, and the test's launch options. */
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

/** The member's variables in addition to the test's environment: the spec's, then the test's. */
export const environmentOf = ({
  spec,
  member,
  launch,
}: MemberOptions): Readonly<Record<string, string>> => ({
  ...spec.env?.(member, launch),
  ...launch.env,
})
