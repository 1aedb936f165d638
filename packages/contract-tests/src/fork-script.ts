import { fork, type Serializable } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'

/** How another process ended. */
export interface ScriptEnd {
  readonly code: number | null
  /** `SIGKILL`: it did not end by itself. */
  readonly signal: string | null
  readonly stderr: string
}

/** Another Node process that runs a script; disposing kills it. */
export interface ScriptProcess extends AsyncDisposable {
  readonly ended: Promise<ScriptEnd>
  /** The next message from the process; throws, with its stderr, if it ends without one. */
  message<T>(): Promise<T>
  send(message: Serializable): void
  /**
   * Sends the process a message, and waits until it ends by itself; past the deadline it is killed.
   */
  close(deadlineMs: number): Promise<ScriptEnd>
}

/** A script of this package, from sources or built. */
export const ownScript = (name: string): URL =>
  new URL(`./${name}${extname(import.meta.url)}`, import.meta.url)

/**
 * Starts `script` as another process, with `options` as JSON in its first argument. It is killed
 * with this process at the latest. `what` names it in errors: `owner process`.
 */
export const forkScript = (script: URL, what: string, options: unknown): ScriptProcess => {
  const child = fork(script, [JSON.stringify(options)], {
    execArgv: script.pathname.endsWith('.ts') ? ['--conditions=@sd/source'] : [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const endWithUs = (): void => void child.kill('SIGKILL')
  process.once('exit', endWithUs)
  let stderr = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const ended = once(child, 'close').then(([code, signal]): ScriptEnd => {
    process.removeListener('exit', endWithUs)
    return { code: code as number | null, signal: signal as string | null, stderr }
  })
  return {
    ended,
    message: async <T>() => {
      const first = await Promise.race([once(child, 'message'), ended])
      if (!Array.isArray(first)) throw new Error(`the ${what} ended: ${stderr.slice(-2_000)}`)
      return first[0] as T
    },
    send: (message) => void child.send(message),
    close: async (deadlineMs) => {
      child.send('close')
      const timer = setTimeout(endWithUs, deadlineMs)
      const end = await ended
      clearTimeout(timer)
      return end
    },
    [Symbol.asyncDispose]: async () => {
      endWithUs()
      await ended
    },
  }
}
