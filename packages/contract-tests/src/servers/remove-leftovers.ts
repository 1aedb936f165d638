import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { runDir, runLabel } from './run-id.ts'

/** Removes the containers, networks and files of one run only; true if there were any. */
export async function removeLeftovers(run: string): Promise<boolean> {
  const files = existsSync(runDir(run))
  await rm(runDir(run), { recursive: true, force: true, maxRetries: 5 })
  // The package or an engine may be missing: then there are no containers either.
  const client = await import('testcontainers').then(
    ({ getContainerRuntimeClient }) => getContainerRuntimeClient().catch(() => undefined),
    () => undefined,
  )
  if (!client) return files
  const docker = client.container.dockerode
  const filters = { label: [`${runLabel}=${run}`] }
  const containers = await docker.listContainers({ all: true, filters })
  for (const { Id } of containers)
    await docker.getContainer(Id).remove({ force: true, v: true }).catch(goneAlready)
  const networks = await docker.listNetworks({ filters })
  for (const { Id } of networks) await docker.getNetwork(Id).remove().catch(goneAlready)
  return files || containers.length > 0 || networks.length > 0
}

function goneAlready(error: unknown): void {
  const status = (error as { statusCode?: number }).statusCode
  if (status !== 404 && status !== 409) throw error
}
