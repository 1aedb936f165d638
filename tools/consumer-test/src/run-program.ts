import { execFile } from 'node:child_process'

/** The result of a program. */
export interface ProgramResult {
  /** `undefined` when it was killed, for example by its deadline. */
  readonly exitCode: number | undefined
  /** Its output on both streams, without colours. */
  readonly output: string
}

// keeps variables that configure the registry and its credentials; the other variables that npm
// sets for scripts (above all `npm_config_local_prefix`) would make a nested npm use this workspace
const kept = new Set(['npm_config_registry', 'npm_config_cache', 'npm_config_userconfig'])

const cleanEnvironment = (): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        kept.has(name.toLowerCase()) ||
        !/^(npm_|VITEST|NODE_OPTIONS$|NODE_ENV$|INIT_CWD$|TEST$|SD_)/i.test(name),
    ),
  ),
  NO_COLOR: '1',
})

/**
 * Runs a program in `folder`, without the environment variables of the present npm and test run.
 */
export const runProgram = (
  folder: string,
  [program, ...args]: readonly [string, ...string[]],
  timeoutMs: number,
): Promise<ProgramResult> =>
  new Promise((resolve) => {
    execFile(
      program,
      args,
      { cwd: folder, env: cleanEnvironment(), timeout: timeoutMs, maxBuffer: 1 << 26 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : error.code
        const exitCode = typeof code === 'number' ? code : undefined
        resolve({ exitCode, output: `${stdout}${stderr}${exitCode ? '' : (error?.message ?? '')}` })
      },
    )
  })
