import { launch } from './launch.ts'
import { provisionFor } from './provisioned.ts'
import type { Cluster, LaunchOptions, ServerSpec } from './server.ts'

/** Servers to test against, with or without control over them. */
export interface ProvidedServers extends AsyncDisposable {
  /** `host:port` of each member's client port. */
  readonly endpoints: readonly string[]
  /** Faults and restarts; undefined for servers that were named in the environment. */
  readonly control: Cluster | undefined
}

/**
 * Servers in whatever way this run has them: launched with `options`, or those at an endpoint in
 * the environment, to which options do not apply.
 */
export async function provideServers(
  spec: ServerSpec,
  options: LaunchOptions = {},
): Promise<ProvidedServers> {
  const provision = await provisionFor(spec.backend)
  if (provision.how === 'endpoint')
    return {
      endpoints: provision.endpoint.split(','),
      control: undefined,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }
  const control = await launch(spec, options)
  return {
    endpoints: control.servers.map((server) => server.endpoints[spec.clientPort] ?? ''),
    control,
    [Symbol.asyncDispose]: () => control[Symbol.asyncDispose](),
  }
}
