import { findServers } from './find-servers.ts'
import type { Provision, Provisions } from './provision.ts'
import { wantedServers } from './test-servers.ts'

const variable = 'SD_TEST_PROVISIONS'
let own: Promise<Provisions> | undefined

/** Passes the choice of this run to the worker processes, which inherit the environment. */
export function publishProvisions(provisions: Provisions): void {
  process.env[variable] = JSON.stringify(provisions)
}

/**
 * The choice of this run, as published by Vitest's global setup; outside of Vitest it is made here,
 * once per process.
 */
export function provisioned(): Promise<Provisions> {
  const published = process.env[variable]
  if (published !== undefined) return Promise.resolve(JSON.parse(published) as Provisions)
  return (own ??= findServers(wantedServers()))
}

/** How this run gets the server `name`; rejects if the run did not request it. */
export async function provisionFor(name: string): Promise<Provision> {
  const provision = (await provisioned())[name]
  if (provision) return provision
  const wanted = wantedServers().map((server) => server.name)
  throw new Error(
    `${name} was not provided in this run: add it to SD_TEST_BACKENDS (${wanted.join(',')})`,
  )
}
