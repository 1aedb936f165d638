import type { Cluster, LaunchOptions } from '@sd/contract-tests/servers'
import { launch } from './launch.ts'
import { provisionFor } from './provisioned.ts'
import type { TestServer } from './test-server.ts'

/** Servers to test against, with or without control over them. */
export interface ProvidedServers extends AsyncDisposable {
  /** `host:port` of each member's client port. */
  readonly endpoints: readonly string[]
  /** Faults and restarts; undefined for servers that were named in the environment. */
  readonly control: Cluster | undefined
}

/**
 * Servers from the source of this run: launched with `options`, or those at an endpoint in the
 * environment, to which options do not apply.
 */
export async function provideServers(
  server: TestServer,
  options: LaunchOptions = {},
): Promise<ProvidedServers> {
  const provision = await provisionFor(server.name)
  if (provision.how === 'endpoint')
    return {
      endpoints: provision.endpoint.split(','),
      control: undefined,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }
  const control = await launch(server, options)
  return {
    endpoints: control.servers.map(({ endpoints }) => endpoints[server.clientPort] ?? ''),
    control,
    [Symbol.asyncDispose]: () => control[Symbol.asyncDispose](),
  }
}
