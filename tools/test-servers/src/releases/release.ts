import type { FoundCommand } from '../found-command.ts'

/** A release that Debian lacks, built or fetched from its project's own packages. */
export interface Release {
  /** `3.7.3`. */
  readonly version: string
  /** True if `SD_TEST_VERSIONS=current` does not include it, and only `SD_TEST_…_VERSION` does. */
  readonly onRequest?: boolean
  /**
   * Builds it in the empty folder `work`; resolves with the part to keep. Rejects when a tool is
   * missing.
   */
  make(work: string): Promise<string>
  /** The command of the release built in `folder`. */
  command(folder: string, env: NodeJS.ProcessEnv): Promise<FoundCommand>
}
