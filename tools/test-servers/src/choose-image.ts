import type { TestServer } from './test-server.ts'

/** The operations of a container engine that {@link chooseImage} needs. */
export interface Engine {
  has(image: string): Promise<boolean>
  /** Rejects if the registry cannot provide the image. */
  pull(image: string): Promise<void>
  /** Builds the local image of a kind from Debian packages. */
  build(server: TestServer): Promise<void>
  /** The version of the server in an image. */
  version(server: TestServer, image: string): Promise<string>
}

/**
 * The image for a kind of server: the one named in `SD_ETCD_IMAGE` and the like; otherwise a local
 * copy; otherwise the official one, if it can be pulled; otherwise one that is built now.
 */
export async function chooseImage(
  server: TestServer,
  env: NodeJS.ProcessEnv,
  engine: Engine,
): Promise<string> {
  const named = env[`SD_${server.name.toUpperCase()}_IMAGE`]
  if (named) {
    if (!(await engine.has(named))) await engine.pull(named)
    return named
  }
  const { local, official } = server.images
  for (const image of [local, official]) if (await engine.has(image)) return image
  try {
    await engine.pull(official)
    return official
  } catch (pullError) {
    try {
      await engine.build(server)
      return local
    } catch (buildError) {
      const reasons = [pullError, buildError].map((error) =>
        error instanceof Error ? error.message : String(error),
      )
      throw new Error(`no image: ${reasons.join('; ')}`, { cause: buildError })
    }
  }
}
