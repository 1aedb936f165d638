import { fork } from 'node:child_process'
import { once } from 'node:events'

/**
 * Another process locks the file: no other process can write until this is disposed of. With
 * `holdMs` it holds the lock for that long repeatedly, with short pauses, like a busy process.
 */
export const lockFile = async (path: string, holdMs?: number): Promise<AsyncDisposable> => {
  const child = fork(
    new URL('./lock-process.ts', import.meta.url),
    [JSON.stringify({ path, holdMs })],
    { execArgv: ['--disable-warning=ExperimentalWarning'] },
  )
  const endWithUs = (): void => void child.kill('SIGKILL')
  process.once('exit', endWithUs)
  const exited = once(child, 'exit').then(() => process.removeListener('exit', endWithUs))
  if ((await Promise.race([once(child, 'message'), exited])) === undefined)
    throw new Error(`the lock process did not lock ${path}`)
  return {
    [Symbol.asyncDispose]: async () => {
      endWithUs()
      await exited
    },
  }
}
