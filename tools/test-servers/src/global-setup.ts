import { startSweeper } from '@sd/contract-tests/servers'
import { findServers } from './find-servers.ts'
import { publishProvisions } from './provisioned.ts'
import { wantedServers } from './test-servers.ts'

/**
 * Vitest's global setup: chooses the sources of servers once, before any worker starts, and ensures
 * that nothing of this run outlives it, even if the run is killed.
 */
export async function setup(): Promise<() => Promise<void>> {
  const sweep = startSweeper()
  try {
    publishProvisions(await findServers(wantedServers()))
  } catch (error) {
    await sweep()
    throw error
  }
  return sweep
}
