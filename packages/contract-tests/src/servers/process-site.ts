import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ProcessServer } from './process-server.ts'
import { runDir } from './run-id.ts'
import type { Site, SiteOptions } from './site.ts'

/** A site for child processes of this process: a folder of their own under the run's folder. */
export async function openProcessSite(options: SiteOptions): Promise<Site> {
  await mkdir(runDir(), { recursive: true })
  const root = await mkdtemp(join(runDir(), `${options.spec.name}-`))
  return {
    server: (name) => {
      const { spec, members, version, launch } = options
      const at = (port: string, member: string) => `127.0.0.1:${options.hostPort(member, port)}`
      const member = {
        name,
        members,
        version,
        driver: 'process' as const,
        confDir: join(root, name, 'conf'),
        dataDir: join(root, name, 'data'),
        listen: '127.0.0.1',
        port: (port: string) => options.hostPort(name, port),
        fromHost: (port: string) => at(port, name),
        fromPeers: at,
      }
      return new ProcessServer({ spec, member, launch })
    },
    close: () => rm(root, { recursive: true, force: true, maxRetries: 5 }),
  }
}
