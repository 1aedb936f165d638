import { cp, rm } from 'node:fs/promises'
import type { Backup } from '../contract-harness.ts'
import type { Server } from './server.ts'

/**
 * Copies the data of a server process of this machine; stops it for that and starts it again.
 * `restore` kills it, replaces its data with the copy, and starts it, as if an old disk were
 * restored.
 */
export const backUpData = async (server: Server): Promise<Backup> => {
  const { dataDir } = server
  if (dataDir === undefined)
    throw new Error(
      `the data of ${server.name} is in a container; back it up with the server's own tools`,
    )
  const copy = `${dataDir}.backup`
  const replace = async (target: string, source: string): Promise<void> => {
    await rm(target, { recursive: true, force: true })
    await cp(source, target, { recursive: true, preserveTimestamps: true })
  }
  await server.stop('term')
  await replace(copy, dataDir)
  await server.start()
  return {
    restore: async () => {
      await server.stop('kill')
      await replace(dataDir, copy)
      await rm(copy, { recursive: true, force: true })
      await server.start()
    },
  }
}
