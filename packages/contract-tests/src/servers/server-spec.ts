/** TLS of the client port, as PEM texts. The certificate must name 127.0.0.1. */
export interface TlsOptions {
  readonly cert: string
  readonly key: string
  /** The authority that client certificates must come from. */
  readonly ca?: string
  /** Refuse clients that have no certificate of {@link ca}. */
  readonly clientCertAuth?: boolean
}

/** Options of one launch. */
export interface LaunchOptions {
  /** Names of the members; three names make a cluster of three. Default: `['n1']`. */
  readonly members?: readonly string[]
  /**
   * Passed to the spec's `args`, `env` and `files`; rejected where {@link ServerSpec.tls} is not
   * set.
   */
  readonly tls?: TlsOptions
  /** Files to put into the member's `confDir`, by file name. */
  readonly files?: Readonly<Record<string, string>>
  /** Additional arguments of the server; they come last and override earlier ones. */
  readonly args?: readonly string[] | ((member: Member) => readonly string[])
  /** Additional environment variables of the server. */
  readonly env?: Readonly<Record<string, string>>
}

/** One member, with the values that its spec needs to configure it. */
export interface Member {
  readonly name: string
  /** The names of all members, including this one. */
  readonly members: readonly string[]
  readonly driver: 'container' | 'process'
  /** The version of the spec; `unknown` if it has none. */
  readonly version: string
  /** The folder of its configuration, as a path that the server sees. */
  readonly confDir: string
  /**
   * The folder of its data, as a path that the server sees. `stop` keeps it, and `wipe` removes it.
   */
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
 * One kind of server: everything needed to start it, as a child process or in a container. It has
 * {@link process}, {@link container}, or both.
 */
export interface ServerSpec {
  /** Used in error messages and in folder names: `etcd`. */
  readonly name: string
  /** The server's version: `3.5.16`. For specs whose arguments depend on it, and for messages. */
  readonly version?: string
  /** Ports by name, as inside a container. A process gets free ones. */
  readonly ports: Readonly<Record<string, number>>
  /** As a child process of the test: the program and the arguments that come before {@link args}. */
  readonly process?: { readonly command: readonly string[] }
  /**
   * In a container: its image, which is pulled unless the engine has it, and the command before
   * {@link args}. Without `command` the image's entrypoint runs. Needs the package
   * `testcontainers`.
   */
  readonly container?: { readonly image: string; readonly command?: readonly string[] }
  /** Whether {@link LaunchOptions.tls} is supported. Default: false. */
  readonly tls?: boolean
  /** Arguments of one member. */
  args?(member: Member, options: LaunchOptions): readonly string[]
  /** Environment of one member, added to the test's own. */
  env?(member: Member, options: LaunchOptions): Readonly<Record<string, string>>
  /** Files to write before each start, by absolute path: below `confDir` or `dataDir`. */
  files?(member: Member, options: LaunchOptions): Readonly<Record<string, string>>
  /**
   * Whether the server at these endpoints (`127.0.0.1:port`, by port name) serves. Polled until it
   * returns true; a rejection counts as "not yet".
   */
  ready(endpoints: Readonly<Record<string, string>>): Promise<boolean>
}
