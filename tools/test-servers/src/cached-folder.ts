import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/**
 * Resolves with the folder `path`, created once and then kept. `fill` gets an empty folder to work
 * in and resolves with the part of it that becomes `path`. If it fails or is interrupted, no folder
 * is left that looks complete.
 */
export async function cachedFolder(
  path: string,
  fill: (work: string) => Promise<string>,
): Promise<string> {
  if (existsSync(path)) return path
  const cache = dirname(path)
  await mkdir(cache, { recursive: true })
  const work = await mkdtemp(join(cache, '.fetch-'))
  try {
    await rename(await fill(work), path).catch((error: unknown) => {
      if (!existsSync(path)) throw error // otherwise another process was faster
    })
    return path
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}
