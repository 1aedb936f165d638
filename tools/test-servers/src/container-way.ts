import { chooseImage, type Engine } from './choose-image.ts'
import { openDockerEngine } from './docker-engine.ts'
import type { Way } from './way.ts'

/** Servers in containers of a Docker engine. */
export function containerWay(
  env: NodeJS.ProcessEnv,
  open: () => Promise<Engine> = openDockerEngine,
): Way {
  return {
    name: 'containers',
    find: async (server) => {
      const engine = await open()
      const image = await chooseImage(server, env, engine)
      return { how: 'container', image, version: await engine.version(server, image) }
    },
  }
}
