import { execFile } from 'node:child_process'

/** What became of a program. */
export interface ProgramResult {
  /** `undefined` when it was killed, as by its deadline. */
  readonly exitCode: number | undefined
  /** What it wrote, to both streams, without colours. */
  readonly output: string
}

// the registry and its credentials may be given by environment; the rest of what npm sets for its
// scripts (`npm_config_local_prefix` above all) would turn an npm in there to this workspace
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

/** Runs a program in `folder`, in an environment without traces of the run we are in. */
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
