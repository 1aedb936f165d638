import { join } from 'node:path'
import { cachedFolder } from './cached-folder.ts'
import { chooseImage, type Engine } from './choose-image.ts'
import { openDockerEngine } from './docker-engine.ts'
import { fetchDebianPackages } from './fetch-debian-packages.ts'
import type { Provision } from './provision.ts'
import { wantedRelease } from './releases/wanted-release.ts'
import { repositoryRoot } from './repository-root.ts'
import type { TestServer } from './test-server.ts'

/** The ignored folder for servers that were fetched or built, one folder each. */
const serverCache = join(repositoryRoot, '.cache', 'servers')

/** One source of servers. */
export interface ServerSource {
  /** Its name in messages: `containers`. */
  readonly name: string
  /** Resolves with the provision; rejects with an error that says what is missing. */
  find(server: TestServer): Promise<Provision>
}

/** The release that the environment asks for, built or fetched into the ignored folder `.cache/servers`. */
export function releaseSource(env: NodeJS.ProcessEnv): ServerSource {
  return {
    name: 'the requested release',
    find: async (server) => {
      const release = wantedRelease(server, env)
      if (!release) throw new Error('no release is requested')
      const path = join(serverCache, `${server.name}-${release.version}-${process.arch}`)
      const folder = await cachedFolder(path, (work) => release.make(work))
      return { how: 'process', from: 'release', ...(await release.command(folder, env)) }
    },
  }
}

/** Servers in containers of a Docker engine. */
export function containerSource(
  env: NodeJS.ProcessEnv,
  open: () => Promise<Engine> = openDockerEngine,
): ServerSource {
  return {
    name: 'containers',
    find: async (server) => {
      const engine = await open()
      const image = await chooseImage(server, env, engine)
      return { how: 'container', image, version: await engine.version(server, image) }
    },
  }
}

/** Servers from binaries of this machine, on PATH or named in the environment. */
export function machineSource(env: NodeJS.ProcessEnv): ServerSource {
  return {
    name: 'binaries of this machine',
    find: async (server) => ({
      how: 'process',
      from: 'machine',
      ...(await server.installed(env)),
    }),
  }
}

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
