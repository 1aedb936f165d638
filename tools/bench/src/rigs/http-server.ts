import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

/** A program of this folder, in its own process, that tells its port. */
export interface Served {
  readonly port: number
  readonly child: ChildProcess
}

/** Starts a program of this folder; resolves when it listens. */
export const startServing = async (
  program: string,
  args: readonly string[] = [],
): Promise<Served> => {
  const child = fork(new URL(program, import.meta.url), args, { execArgv: ['--no-warnings'] })
  const [port] = (await once(child, 'message')) as [number]
  return { port, child }
}

/** Starts a server in its own process, so that its work counts for no side. */
export const startHttpServer = (): Promise<Served> => startServing('./http-server-process.ts')
