import { fork } from 'node:child_process'
import { once } from 'node:events'

/** What a client process is to do. */
export interface ClientTask {
  readonly hosts: readonly string[]
  readonly namespace: string
  readonly id: string
  readonly ttlMs: number
  readonly callTimeoutMs: number
  readonly closeTimeoutMs: number
  /** Report only once the instance is registered. */
  readonly awaitRegistered: boolean
}

/** How a client process stands before it is told to close. */
export interface ClientReport {
  /** `listed`, or the code that `list` failed with, and after how long. */
  readonly list: string
  readonly listMs: number
  /** Of its registration, and what it fails with. */
  readonly state: string
  readonly cause: string
  readonly sessionId: string
}

/** Another Node process with a registry: a registration and a watch. */
export interface ClientProcess extends AsyncDisposable {
  readonly report: ClientReport
  /** Tells it to close its registry; tells how it ended, and after how long, all by itself. */
  close(deadlineMs: number): Promise<ClientEnd>
}

/** How a client process ended. */
export interface ClientEnd {
  readonly code: number | null
  /** `SIGKILL`: it did not end by itself. */
  readonly signal: string | null
  readonly stderr: string
  readonly ms: number
}

export const forkClient = async (task: ClientTask): Promise<ClientProcess> => {
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
  const exited = once(child, 'close').then(([code, signal]): Omit<ClientEnd, 'ms'> => {
    process.removeListener('exit', endWithUs)
    return { code: code as number | null, signal: signal as string | null, stderr }
  })
  const first = await Promise.race([
    once(child, 'message').then(([report]) => report as ClientReport),
    exited,
  ])
  if ('stderr' in first) throw new Error(`the client process ended: ${stderr}`)
  return {
    report: first,
    close: async (deadlineMs) => {
      const began = performance.now()
      child.send('close')
      const timer = setTimeout(endWithUs, deadlineMs)
      const end = await exited
      clearTimeout(timer)
      return { ...end, ms: performance.now() - began }
    },
    [Symbol.asyncDispose]: async () => {
      endWithUs()
      await exited
    },
  }
}
