/** How one kind of server is to be had in this run. */
export type Provision =
  /** It runs already, out of our control. */
  | { readonly how: 'endpoint'; readonly endpoint: string }
  /** An image for the Docker engine that answers. */
  | { readonly how: 'container'; readonly image: string; readonly version: string }
  /** A command to which the server's arguments are added. */
  | {
      readonly how: 'process'
      readonly command: readonly string[]
      readonly version: string
      /** Installed, unpacked from Debian packages, or made from the project's own. */
      readonly from: 'machine' | 'fetched' | 'release'
    }

/** The run's decision, one {@link Provision} for each kind that was wanted, by its name. */
export type Provisions = Readonly<Partial<Record<string, Provision>>>

/** In one line, for people. */
export function describeProvision(name: string, provision: Provision): string {
  switch (provision.how) {
    case 'endpoint':
      return `${name} at ${provision.endpoint} (not ours to control)`
    case 'container':
      return `${name} ${provision.version} in containers of ${provision.image}`
    case 'process':
      return `${name} ${provision.version} as processes (${provision.from}: ${provision.command[0]})`
  }
}
