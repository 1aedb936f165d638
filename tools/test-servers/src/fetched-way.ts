import { join } from 'node:path'
import { fetchDebianPackages } from './fetch-debian-packages.ts'
import { repositoryRoot } from './repository-root.ts'
import type { Way } from './way.ts'

/** Servers from Debian packages, fetched with apt into the ignored folder `.cache/servers`. */
export function fetchedWay(env: NodeJS.ProcessEnv): Way {
  return {
    name: 'fetched Debian packages',
    find: async (server) => {
      const cache = join(repositoryRoot, '.cache', 'servers')
      const root = await fetchDebianPackages({ ...server.debian, name: server.name, cache })
      return { how: 'process', from: 'fetched', ...(await server.unpacked(root, env)) }
    },
  }
}
