import { type Backend, wantedBackends } from './backend.ts'
import { findServers } from './find-servers.ts'
import type { Provision, Provisions } from './provision.ts'

const variable = 'SD_TEST_PROVISIONS'
let own: Promise<Provisions> | undefined

/** Hands the run's decision to the worker processes, which inherit the environment. */
export function publishProvisions(provisions: Provisions): void {
  process.env[variable] = JSON.stringify(provisions)
}

/**
 * The run's decision: what the vitest global setup published; outside of vitest it is taken here,
 * once per process.
 */
export function provisioned(): Promise<Provisions> {
  const published = process.env[variable]
  if (published !== undefined) return Promise.resolve(JSON.parse(published) as Provisions)
  return (own ??= findServers(wantedBackends()))
}

/** How `backend` is to be had in this run; rejects if the run did not want it. */
export async function provisionFor(backend: Backend): Promise<Provision> {
  const provision = (await provisioned())[backend]
  if (provision) return provision
  const wanted = wantedBackends().join(',')
  throw new Error(`${backend} was not provided in this run: add it to SD_TEST_BACKENDS (${wanted})`)
}
