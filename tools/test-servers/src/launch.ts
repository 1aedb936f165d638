import { openContainerSite } from './container-site.ts'
import { ports } from './ports.ts'
import { openProcessSite } from './process-site.ts'
import type { Provision } from './provision.ts'
import { provisionFor } from './provisioned.ts'
import { ServerCluster } from './server-cluster.ts'
import type { Cluster, LaunchOptions, ServerSpec } from './server.ts'
import type { Site, SiteOptions } from './site.ts'

const attempts = 5

/**
 * Launches one server, or with several `members` a cluster whose members know each other, in the
 * way that was decided for this run; resolves once all of them serve.
 */
export async function launch(spec: ServerSpec, options: LaunchOptions = {}): Promise<Cluster> {
  const provision = await provisionFor(spec.backend)
  if (provision.how === 'endpoint')
    throw new Error(
      `${spec.backend} at ${provision.endpoint} is not ours to control; unset its SD_TEST_*_ENDPOINT to launch servers`,
    )
  if (options.tls && !spec.tls) throw new Error(`${spec.backend} has no TLS option yet`)
  for (let attempt = 1; ; attempt++) {
    try {
      return await launchOnce(spec, options, provision)
    } catch (error) {
      // Another test process was faster at a port that was free when we looked.
      if (attempt === attempts || !isPortTaken(error)) throw error
    }
  }
}

type Launchable = Exclude<Provision, { how: 'endpoint' }>

async function launchOnce(
  spec: ServerSpec,
  options: LaunchOptions,
  provision: Launchable,
): Promise<Cluster> {
  const members = options.members ?? ['n1']
  const reserved = new Map<string, number>()
  for (const member of members)
    for (const port of Object.keys(spec.ports))
      reserved.set(`${member}/${port}`, await ports.reserve())
  const site = await openSite(provision, options, {
    spec,
    members,
    version: provision.version,
    hostPort: (member, port) => reserved.get(`${member}/${port}`) ?? 0,
  })
  const cluster = new ServerCluster({
    driver: provision.how,
    version: provision.version,
    servers: members.map((name) => site.server(name)),
    close: async () => {
      await site.close()
      ports.release(reserved.values())
    },
  })
  try {
    await cluster.start()
    return cluster
  } catch (error) {
    await cluster[Symbol.asyncDispose]()
    throw error
  }
}

function openSite(
  provision: Launchable,
  launchOptions: LaunchOptions,
  options: SiteOptions,
): Promise<Site> {
  return provision.how === 'container'
    ? openContainerSite(options, provision.image, launchOptions)
    : openProcessSite(options, provision.command, launchOptions)
}

function isPortTaken(error: unknown): boolean {
  return /address already in use|port is already allocated/i.test(String(error))
}
