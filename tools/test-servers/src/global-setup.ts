import { fileURLToPath } from 'node:url'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { wantedBackends } from './backend.ts'
import { findServers } from './find-servers.ts'
import { publishProvisions } from './provisioned.ts'
import { runId } from './run-id.ts'

/**
 * Vitest's global setup: decides once, before any worker starts, how servers are had, and sees to
 * it that nothing of this run outlives it, even if the run is killed.
 */
export async function setup(): Promise<() => Promise<void>> {
  const sweep = startSweeper()
  try {
    publishProvisions(await findServers(wantedBackends()))
  } catch (error) {
    await sweep()
    throw error
  }
  return sweep
}

/**
 * A process that waits for this one to say goodbye or to die, and then removes what the run left.
 * Detached, so that Ctrl-C in the terminal does not end it too.
 */
function startSweeper(): () => Promise<void> {
  const script = fileURLToPath(new URL('./sweeper.ts', import.meta.url))
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
