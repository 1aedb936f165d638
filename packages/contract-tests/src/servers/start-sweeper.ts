import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runId } from './run-id.ts'

/**
 * Starts a process that waits for this one to end, however it ends, and then removes the
 * containers, networks and folders of {@link launchCluster} that this run has left. Call it before
 * any worker starts: from Vitest's `globalSetup`, which calls the returned function at the end of
 * the run. Without it a killed run leaves its containers. Server processes need no sweeper on
 * Linux: the kernel ends them with their test process.
 */
export function startSweeper(): () => Promise<void> {
  const script = fileURLToPath(new URL(`./sweeper${extname(import.meta.url)}`, import.meta.url))
  // Detached, so that Ctrl-C in the terminal does not end it too.
  const child = spawn(process.execPath, [script, runId], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  child.unref()
  const exited = once(child, 'exit')
  return async () => {
    child.ref()
    child.stdin.end('goodbye')
    await exited
  }
}
