import { join } from 'node:path'
import type { Backend } from './backend.ts'
import { fetchDebianPackages } from './fetch-debian-packages.ts'
import type { Way } from './find-servers.ts'
import { repositoryRoot } from './repository-root.ts'
import { binaryCommand, zookeeperCommand } from './server-command.ts'

// The suites with the newest server that Debian has: consul was dropped after bullseye.
const sources: Record<Backend, { suite: string; packages: readonly string[] }> = {
  etcd: { suite: 'trixie', packages: ['etcd-server', 'etcd-client'] },
  zookeeper: { suite: 'trixie', packages: ['libzookeeper-java'] },
  consul: { suite: 'bullseye', packages: ['consul'] },
}

/** Servers from Debian packages, fetched with apt into the ignored folder `.cache/servers`. */
export function fetchedWay(env: NodeJS.ProcessEnv): Way {
  return {
    name: 'fetched Debian packages',
    find: async (backend) => {
      const cache = join(repositoryRoot, '.cache', 'servers')
      const root = await fetchDebianPackages({ ...sources[backend], name: backend, cache })
      return { how: 'process', from: 'fetched', ...(await commandIn(root, backend, env)) }
    },
  }
}

function commandIn(
  root: string,
  backend: Backend,
  env: NodeJS.ProcessEnv,
): Promise<{ command: readonly string[]; version: string }> {
  return backend === 'zookeeper'
    ? zookeeperCommand(join(root, 'usr/share/java'), env['SD_JAVA'] ?? 'java')
    : binaryCommand(backend, join(root, 'usr/bin', backend))
}
