/** How this run gets one kind of server. */
export type Provision =
  /** It already runs, outside of this run's control. */
  | { readonly how: 'endpoint'; readonly endpoint: string }
  /** An image for the Docker engine that answers. */
  | { readonly how: 'container'; readonly image: string; readonly version: string }
  /** A command to which the server's arguments are added. */
  | {
      readonly how: 'process'
      readonly command: readonly string[]
      readonly version: string
      /** Installed, unpacked from Debian packages, or built from the project's packages. */
      readonly from: 'machine' | 'fetched' | 'release'
    }

/** The choice of this run: one {@link Provision} for each requested kind, by its name. */
export type Provisions = Readonly<Partial<Record<string, Provision>>>

/** Describes it in one readable line. */
export function describeProvision(name: string, provision: Provision): string {
  switch (provision.how) {
    case 'endpoint':
      return `${name} at ${provision.endpoint} (outside the control of the tests)`
    case 'container':
      return `${name} ${provision.version} in containers of ${provision.image}`
    case 'process':
      return `${name} ${provision.version} as processes (${provision.from}: ${provision.command[0]})`
  }
}
