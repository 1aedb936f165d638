import { chooseImage, type Engine } from './choose-image.ts'
import { openDockerEngine } from './docker-engine.ts'
import type { ServerSource } from './server-source.ts'

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
