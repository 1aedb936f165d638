/** TLS of the client port, as PEM texts. The certificate must name 127.0.0.1. */
export interface TlsOptions {
  readonly cert: string
  readonly key: string
  /** The authority that client certificates must come from. */
  readonly ca?: string
  /** Refuse clients that have no certificate of {@link ca}. */
  readonly clientCertAuth?: boolean
}

/** What one test changes about a server. */
export interface LaunchOptions {
  /** Names of the members; three names make a cluster of three. Default: `['n1']`. */
  readonly members?: readonly string[]
  /** Handed to the spec's `args`, `env` and `files`; refused where {@link ServerSpec.tls} is not set. */
  readonly tls?: TlsOptions
  /** Files to put into the member's `confDir`, by file name. */
  readonly files?: Readonly<Record<string, string>>
  /** More arguments of the server; they come last, so they win. */
  readonly args?: readonly string[] | ((member: Member) => readonly string[])
  /** More environment variables of the server. */
  readonly env?: Readonly<Record<string, string>>
}

/** Where a member finds itself: what its spec needs to know to configure it. */
export interface Member {
  readonly name: string
  /** The names of all members, its own among them. */
  readonly members: readonly string[]
  readonly driver: 'container' | 'process'
  /** What the spec states; `unknown` where it states nothing. */
  readonly version: string
  /** The folder of its configuration, as the server itself sees it. */
  readonly confDir: string
  /** The folder of its data, as the server itself sees it. It survives `stop`, and `wipe` removes it. */
  readonly dataDir: string
  /** The address to listen on: `127.0.0.1` for a process, `0.0.0.0` in a container. */
  readonly listen: string
  /** The port to listen on, by its name in {@link ServerSpec.ports}. */
  port(name: string): number
  /** `host:port` at which a test reaches a port of this member. */
  fromHost(port: string): string
  /** `host:port` at which the other members reach a port of `member`. */
  fromPeers(port: string, member: string): string
}

/**
 * One kind of server: all that has to be known to start it, as a child process or in a container.
 * It states {@link process}, {@link container}, or both.
 */
export interface ServerSpec {
  /** In error messages and in the names of folders: `etcd`. */
  readonly name: string
  /** Which server it is: `3.5.16`. For specs whose arguments depend on it, and for messages. */
  readonly version?: string
  /** Port by name, as inside a container. A process gets free ones. */
  readonly ports: Readonly<Record<string, number>>
  /** As a child process of the test: the program and the arguments that come before {@link args}. */
  readonly process?: { readonly command: readonly string[] }
  /**
   * In a container: its image, which is pulled unless the engine has it, and what runs there, before
   * {@link args}. No `command` leaves it to the image's entrypoint. Needs the package `testcontainers`.
   */
  readonly container?: { readonly image: string; readonly command?: readonly string[] }
  /** Whether {@link LaunchOptions.tls} is understood. Default: it is not. */
  readonly tls?: boolean
  /** Arguments of one member. */
  args?(member: Member, options: LaunchOptions): readonly string[]
  /** Environment of one member, added to the test's own. */
  env?(member: Member, options: LaunchOptions): Readonly<Record<string, string>>
  /** Files to write before each start, by absolute path: below `confDir` or `dataDir`. */
  files?(member: Member, options: LaunchOptions): Readonly<Record<string, string>>
  /**
   * Whether the server at these endpoints (`127.0.0.1:port`, by port name) serves. Asked until it
   * says so; a rejection is taken for "not yet".
   */
  ready(endpoints: Readonly<Record<string, string>>): Promise<boolean>
}
