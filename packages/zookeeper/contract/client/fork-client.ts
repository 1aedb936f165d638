import { fork } from 'node:child_process'
import { once } from 'node:events'

/** What a client process is to do. */
export interface ProcessTask {
  readonly hosts: readonly string[]
  readonly sessionTimeoutMs: number
  readonly closeTimeoutMs: number
  readonly connects: boolean
  /** Made once it is connected, if it waits for that. */
  readonly ephemeral: string
  /** When it reports, and may be told to close. */
  readonly waitsUntil: 'connected' | 'ended' | 'nothing'
}

/** How a client process closed: what became of its calls. */
export interface ProcessReport {
  readonly connected: string
  readonly how: string
  readonly again: string
  readonly closeMs: number
}

/** How it ended, all by itself. */
export interface ProcessEnd extends ProcessReport {
  readonly code: number | null
  /** `SIGKILL`: it did not end by itself. */
  readonly signal: string | null
  readonly stderr: string
  /** From its last report until it was gone. */
  readonly exitMs: number
}

/** Another Node process with a client. */
export interface ClientProcess extends AsyncDisposable {
  /** The client's state when it reported. */
  readonly state: string
  close(deadlineMs: number): Promise<ProcessEnd>
}

export const forkClient = async (task: ProcessTask): Promise<ClientProcess> => {
  const child = fork(new URL('./client-process.ts', import.meta.url), [JSON.stringify(task)], {
    execArgv: ['--conditions=@sd/source'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const endWithUs = (): void => void child.kill('SIGKILL')
  process.once('exit', endWithUs)
  let stderr = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const exited = once(child, 'close').then(([code, signal]) => {
    process.removeListener('exit', endWithUs)
    return { code: code as number | null, signal: signal as string | null, stderr }
  })
  const message = async <T>(): Promise<T> => {
    const first = await Promise.race([once(child, 'message'), exited])
    if (!Array.isArray(first)) throw new Error(`the client process ended: ${stderr}`)
    return first[0] as T
  }
  return {
    state: await message<string>(),
    close: async (deadlineMs) => {
      child.send('close')
      const timer = setTimeout(endWithUs, deadlineMs)
      const report = await message<ProcessReport>()
      const began = performance.now()
      const end = await exited
      clearTimeout(timer)
      return { ...report, ...end, exitMs: performance.now() - began }
    },
    [Symbol.asyncDispose]: async () => {
      endWithUs()
      await exited
    },
  }
}
