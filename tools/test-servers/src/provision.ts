import type { Backend } from './backend.ts'

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
      readonly from: 'machine' | 'fetched'
    }

/** The run's decision, one {@link Provision} for each kind that was wanted. */
export type Provisions = Readonly<Partial<Record<Backend, Provision>>>

/** In one line, for people. */
export function describeProvision(backend: Backend, provision: Provision): string {
  switch (provision.how) {
    case 'endpoint':
      return `${backend} at ${provision.endpoint} (not ours to control)`
    case 'container':
      return `${backend} ${provision.version} in containers of ${provision.image}`
    case 'process':
      return `${backend} ${provision.version} as processes (${provision.from}: ${provision.command[0]})`
  }
}
