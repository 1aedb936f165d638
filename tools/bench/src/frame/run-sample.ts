import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ServerFault, Values } from './benchmark.ts'
import { type MachineLoad, measureLoad } from './machine-load.ts'
import type { SampleMessage, SampleTask } from './sample-messages.ts'

/** What one sample process measured, and how busy the machine was meanwhile. */
export interface Sample {
  readonly values: Values
  readonly load: MachineLoad
}

/** How to run a sample. */
export interface SampleOptions {
  readonly timeoutMs: number
  /** Applies a fault that the sample asks for. */
  readonly fault: (fault: ServerFault) => Promise<void>
  /** Where the process writes its CPU profile. Default: nowhere. */
  readonly profiles?: string | undefined
}

const program = fileURLToPath(new URL('sample-process.ts', import.meta.url))

/**
 * Runs one side in a fresh process: Node.js as users run it, on the built packages. Rejects when the
 * process fails, or does not answer in time.
 */
export const runSample = async (task: SampleTask, options: SampleOptions): Promise<Sample> => {
  const { timeoutMs, fault, profiles } = options
  const loadOf = measureLoad()
  const profiling = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`]
  const child = fork(program, [], {
    execArgv: ['--no-warnings', '--expose-gc', ...profiling],
    env: { ...process.env, NODE_COMPILE_CACHE: '' },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const what = `${task.benchmark}, ${task.side ?? 'what it prepares'}`
  const { promise, resolve, reject } = Promise.withResolvers<Values>()
  let timer: NodeJS.Timeout | undefined
  const exited = new Promise<void>((done) => child.once('exit', () => done()))
  void exited.then(() => reject(new Error(`${what}: the process has ended without a result`)))
  child.once('error', reject)
  child.on('message', (message: SampleMessage) => {
    if ('values' in message) resolve(message.values)
    else if ('failed' in message) reject(new Error(`${what}: ${message.failed}`))
    else
      fault(message.fault).then(
        () => child.send('done'),
        (error: Error) => reject(error),
      )
  })
  child.send(task)
  try {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${timeoutMs} ms`)), timeoutMs)
    const values = await promise
    await exited // its profile is complete, its CPU time is counted
    return { values, load: loadOf() }
  } finally {
    clearTimeout(timer)
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
  }
}
