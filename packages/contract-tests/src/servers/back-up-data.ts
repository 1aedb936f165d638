import { cp, rm } from 'node:fs/promises'
import type { Backup } from '../contract-harness.ts'
import type { Server } from './server.ts'

/**
 * Copies the data of a server that is a process of this machine; it is stopped for that and started
 * again. `restore` kills it, puts the copy in the place of its data, and starts it: a disk of before.
 */
export const backUpData = async (server: Server): Promise<Backup> => {
  const { dataDir } = server
  if (dataDir === undefined)
    throw new Error(`the data of ${server.name} lies in a container; back it up by its own means`)
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
