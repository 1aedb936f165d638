import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * The id of this test run, which marks everything that it leaves on the machine. Worker processes
 * inherit it, through the environment, from the process that first reads it.
 */
export const runId: string = (process.env['SD_TEST_RUN'] ??=
  `${process.pid}-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`)

/** The label that marks our containers and networks; its value is the run's id. */
export const runLabel = 'sd.test-servers.run'

/** Labels for a container or network of this run that {@link startSweeper}'s process is to remove. */
export const runLabels: Readonly<Record<string, string>> = { [runLabel]: runId }

/** The folder that holds all files of a run's server processes. */
export const runDir = (run: string = runId): string => join(tmpdir(), `sd-test-servers-${run}`)
