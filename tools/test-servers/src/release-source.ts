import { join } from 'node:path'
import { cachedFolder } from './cached-folder.ts'
import { wantedRelease } from './releases/wanted-release.ts'
import { serverCache } from './server-cache.ts'
import type { ServerSource } from './server-source.ts'

/** The release that the environment asks for, built or fetched into the ignored folder `.cache/servers`. */
export function releaseSource(env: NodeJS.ProcessEnv): ServerSource {
  return {
    name: 'the release that was asked for',
    find: async (server) => {
      const release = wantedRelease(server, env)
      if (!release) throw new Error('no release was asked for')
      const path = join(serverCache, `${server.name}-${release.version}-${process.arch}`)
      const folder = await cachedFolder(path, (work) => release.make(work))
      return { how: 'process', from: 'release', ...(await release.command(folder, env)) }
    },
  }
}
