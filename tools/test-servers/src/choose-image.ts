import type { Backend } from './backend.ts'

/** What {@link chooseImage} asks of a container engine. */
export interface Engine {
  has(image: string): Promise<boolean>
  /** Rejects if the image cannot be had from its registry. */
  pull(image: string): Promise<void>
  /** Builds the local image of a kind from Debian packages. */
  build(backend: Backend): Promise<void>
  /** The version of the server in an image. */
  version(backend: Backend, image: string): Promise<string>
}

/** The images that tools/images/build.sh builds. */
export const localImages: Readonly<Record<Backend, string>> = {
  etcd: 'sd-test/etcd:3.5.16',
  zookeeper: 'sd-test/zookeeper:3.9.3',
  consul: 'sd-test/consul:1.8.7',
}

/** The images that the projects themselves publish. */
export const officialImages: Readonly<Record<Backend, string>> = {
  etcd: 'quay.io/coreos/etcd:v3.6.5',
  zookeeper: 'zookeeper:3.9',
  consul: 'hashicorp/consul:1.21',
}

/**
 * The image for a kind of server: the one named in `SD_ETCD_IMAGE` and the like; else what is here
 * already; else the official one, if it can be pulled; else the local one, built now.
 */
export async function chooseImage(
  backend: Backend,
  env: NodeJS.ProcessEnv,
  engine: Engine,
): Promise<string> {
  const named = env[`SD_${backend.toUpperCase()}_IMAGE`]
  if (named) {
    if (!(await engine.has(named))) await engine.pull(named)
    return named
  }
  const local = localImages[backend]
  const official = officialImages[backend]
  for (const image of [local, official]) if (await engine.has(image)) return image
  try {
    await engine.pull(official)
    return official
  } catch (pullError) {
    try {
      await engine.build(backend)
      return local
    } catch (buildError) {
      const reasons = [pullError, buildError].map((error) =>
        error instanceof Error ? error.message : String(error),
      )
      throw new Error(`no image: ${reasons.join('; ')}`, { cause: buildError })
    }
  }
}
