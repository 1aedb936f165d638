import { chooseImage, type Engine } from './choose-image.ts'
import { openDockerEngine } from './docker-engine.ts'
import type { Way } from './find-servers.ts'

/** Servers in containers of a Docker engine. */
export function containerWay(
  env: NodeJS.ProcessEnv,
  open: () => Promise<Engine> = openDockerEngine,
): Way {
  return {
    name: 'containers',
    find: async (backend) => {
      const engine = await open()
      const image = await chooseImage(backend, env, engine)
      return { how: 'container', image, version: await engine.version(backend, image) }
    },
  }
}
