import { ports } from './ports.ts'
import { openProcessSite } from './process-site.ts'
import { ServerCluster } from './server-cluster.ts'
import type { Cluster } from './server.ts'
import type { LaunchOptions, ServerSpec } from './server-spec.ts'
import type { Site, SiteOptions } from './site.ts'

const attempts = 5

/**
 * Launches one server, or with several `members` a cluster whose members know each other, on ports
 * that no other test process has; resolves once all of them serve. A spec with both `process` and
 * `container` is launched as a process. Disposing of the cluster ends the servers and removes their
 * files.
 *
 * Rejects when the spec has neither or does not support `tls`, when `testcontainers` is needed and
 * not installed, and, with the end of its log, when a server ends or does not serve within 60 s.
 */
export async function launchCluster(
  spec: ServerSpec,
  options: LaunchOptions = {},
): Promise<Cluster> {
  if (!spec.process && !spec.container)
    throw new Error(`${spec.name}: the server spec has neither 'process' nor 'container'`)
  if (options.tls && !spec.tls)
    throw new Error(
      `${spec.name}: the server spec does not support TLS; set 'tls: true' in a spec that does`,
    )
  for (let attempt = 1; ; attempt++) {
    try {
      return await launchOnce(spec, options)
    } catch (error) {
      // Another process has taken a port since it was checked.
      if (attempt === attempts || !isPortTaken(error)) throw error
    }
  }
}

async function launchOnce(spec: ServerSpec, launch: LaunchOptions): Promise<Cluster> {
  const members = launch.members ?? ['n1']
  const version = spec.version ?? 'unknown'
  const reserved = new Map<string, number>()
  for (const member of members)
    for (const port of Object.keys(spec.ports))
      reserved.set(`${member}/${port}`, await ports.reserve())
  const site = await openSite({
    spec,
    members,
    version,
    launch,
    hostPort: (member, port) => reserved.get(`${member}/${port}`) ?? 0,
  })
  const cluster = new ServerCluster({
    driver: spec.process ? 'process' : 'container',
    version,
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

async function openSite(options: SiteOptions): Promise<Site> {
  if (options.spec.process) return openProcessSite(options)
  // Imported when the first container is launched: `testcontainers` is an optional peer dependency.
  const { openContainerSite } = await import('./container-site.ts').catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new Error(
      `${options.spec.name} is to run in a container, which needs a package: npm install --save-dev testcontainers`,
      { cause },
    )
  })
  return openContainerSite(options)
}

function isPortTaken(error: unknown): boolean {
  return /address already in use|port is already allocated|EADDRINUSE/i.test(String(error))
}
