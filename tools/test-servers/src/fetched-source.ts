import { fetchDebianPackages } from './fetch-debian-packages.ts'
import { serverCache } from './server-cache.ts'
import type { ServerSource } from './server-source.ts'

/** Servers from Debian packages, fetched with apt into the ignored folder `.cache/servers`. */
export function fetchedSource(env: NodeJS.ProcessEnv): ServerSource {
  return {
    name: 'fetched Debian packages',
    find: async (server) => {
      const root = await fetchDebianPackages({
        ...server.debian,
        name: server.name,
        cache: serverCache,
      })
      return { how: 'process', from: 'fetched', ...(await server.unpacked(root, env)) }
    },
  }
}
