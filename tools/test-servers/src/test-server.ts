import type { ServerSpec } from '@sd/contract-tests/servers'
import type { FoundCommand } from './found-command.ts'
import type { Release } from './releases/release.ts'

/**
 * One kind of server that the tests of this repository run on: how it is configured, as for any
 * `ServerSpec`, and where it is had from. A new kind is one file in `specs/`, and its name in
 * `test-servers.ts`.
 */
export interface TestServer extends Omit<ServerSpec, 'version' | 'process' | 'container'> {
  /** The port that clients use: one of `ports`. */
  readonly clientPort: string
  /** The image that the project itself publishes, and the one that tools/images/build.sh builds. */
  readonly images: { readonly official: string; readonly local: string }
  /** What a container runs; empty leaves it to the image's entrypoint. */
  readonly containerCommand: readonly string[]
  /** Prints the version when it runs in an image. Default: the version is read from the image's tag. */
  readonly versionCommand?: readonly string[]
  /** The Debian packages that hold it, of the suite with its newest release. */
  readonly debian: { readonly suite: string; readonly packages: readonly string[] }
  /** Newer releases than Debian's, the current one first. */
  readonly releases: readonly Release[]
  /** What to install where there is none, for an error message. */
  readonly install: string
  /** Its program as it is installed on this machine, or named in the environment. */
  installed(env: NodeJS.ProcessEnv): Promise<FoundCommand>
  /** Its program in a folder into which {@link debian} was unpacked. */
  unpacked(root: string, env: NodeJS.ProcessEnv): Promise<FoundCommand>
}
