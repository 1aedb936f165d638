import type { FoundCommand } from '../found-command.ts'

/** A release that no Debian has, built or fetched from its project's own packages. */
export interface Release {
  /** `3.7.3`. */
  readonly version: string
  /** True when only `SD_TEST_…_VERSION` asks for it, and `SD_TEST_VERSIONS=current` does not. */
  readonly onRequest?: boolean
  /** Makes it in the empty folder `work`; resolves with the part that is kept. Rejects when a tool is missing. */
  make(work: string): Promise<string>
  /** The command of what was made in `folder`. */
  command(folder: string, env: NodeJS.ProcessEnv): Promise<FoundCommand>
}
