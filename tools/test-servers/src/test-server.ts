import type { ServerSpec } from '@sd/contract-tests/servers'
import type { FoundCommand } from './found-command.ts'
import type { Release } from './releases/release.ts'

/**
 * One kind of server for the tests of this repository: its configuration, as for any `ServerSpec`,
 * and its sources. A new kind needs one file in `specs/`, and its name in `test-servers.ts`.
 */
export interface TestServer extends Omit<ServerSpec, 'version' | 'process' | 'container'> {
  /** The port that clients use: one of `ports`. */
  readonly clientPort: string
  /** The official image of the project, and the one that tools/images/build.sh builds. */
  readonly images: { readonly official: string; readonly local: string }
  /** The command of a container; empty uses the image's entrypoint. */
  readonly containerCommand: readonly string[]
  /**
   * Command that prints the version in an image. Default: the version is read from the image's tag.
   */
  readonly versionCommand?: readonly string[]
  /** The Debian packages that contain it, from the suite with its newest release. */
  readonly debian: { readonly suite: string; readonly packages: readonly string[] }
  /** Newer releases than Debian's, the current one first. */
  readonly releases: readonly Release[]
  /** The installation hint in the error message when no server is found. */
  readonly install: string
  /** Its program, as installed on this machine or named in the environment. */
  installed(env: NodeJS.ProcessEnv): Promise<FoundCommand>
  /** Its program in a folder with the unpacked {@link debian} packages. */
  unpacked(root: string, env: NodeJS.ProcessEnv): Promise<FoundCommand>
}
