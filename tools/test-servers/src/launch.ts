import {
  type Cluster,
  launchCluster,
  type LaunchOptions,
  type ServerSpec,
} from '@sd/contract-tests/servers'
import type { Provision } from './provision.ts'
import { provisionFor } from './provisioned.ts'
import type { TestServer } from './test-server.ts'

/**
 * Launches one server, or with several `members` a cluster whose members know each other, from the
 * source that was chosen for this run; resolves once all of them serve. Rejects when that source is
 * an endpoint in the environment, as this run must not control its server.
 */
export async function launch(server: TestServer, options: LaunchOptions = {}): Promise<Cluster> {
  const provision = await provisionFor(server.name)
  if (provision.how === 'endpoint')
    throw new Error(
      `${server.name} at ${provision.endpoint} is outside the control of the tests; unset its SD_TEST_*_ENDPOINT to launch servers`,
    )
  return launchCluster(specOf(server, provision), options)
}

const specOf = (
  server: TestServer,
  provision: Exclude<Provision, { how: 'endpoint' }>,
): ServerSpec => ({
  ...server,
  version: provision.version,
  ...(provision.how === 'container'
    ? { container: { image: provision.image, command: server.containerCommand } }
    : { process: { command: provision.command } }),
})
