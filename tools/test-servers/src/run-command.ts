import { execFile } from 'node:child_process'

/** Options of {@link runCommand}. */
export interface RunOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  readonly timeoutMs?: number
}

/** Runs a program to its end; resolves with its output, or rejects with its error output. */
export function runCommand(
  file: string,
  args: readonly string[],
  { cwd, env, timeoutMs = 60_000 }: RunOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd, env, timeout: timeoutMs, maxBuffer: 2 ** 26 }
    execFile(file, args, options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout)
      const why = error.killed ? `no answer within ${timeoutMs} ms` : stderr.trim().slice(-1500)
      reject(new Error(`${[file, ...args].join(' ')}: ${why || error.message}`))
    })
  })
}
