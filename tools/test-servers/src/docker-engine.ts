import { join } from 'node:path'
import { runLabels } from '@sd/contract-tests/servers'
import { getContainerRuntimeClient } from 'testcontainers'
import type { Engine } from './choose-image.ts'
import { repositoryRoot } from './repository-root.ts'
import { runCommand } from './run-command.ts'
import { versionIn } from './version-in.ts'

const pullDeadlineMs = 180_000

/** The Docker engine that answers on this machine; rejects if none does. */
export async function openDockerEngine(): Promise<Engine> {
  const { container } = await getContainerRuntimeClient().catch((error: unknown) => {
    throw new Error(`no Docker engine answers (${String(error)})`)
  })
  const docker = container.dockerode
  return {
    has: (image) =>
      docker
        .getImage(image)
        .inspect()
        .then(
          () => true,
          () => false,
        ),
    pull: async (image) => {
      const abortSignal = AbortSignal.timeout(pullDeadlineMs)
      const stream = await docker.pull(image, { abortSignal })
      await new Promise<void>((resolve, reject) => {
        docker.modem.followProgress(stream, (error) => (error ? reject(error) : resolve()))
      })
    },
    build: async (server) => {
      const script = join(repositoryRoot, 'tools/images/build.sh')
      await runCommand(script, [server.name], { timeoutMs: 600_000 })
    },
    version: async ({ versionCommand }, image) => {
      if (!versionCommand) return versionIn(image.split(':').at(-1) ?? '')
      const created = await docker.createContainer({
        Image: image,
        Cmd: [...versionCommand],
        Tty: true, // otherwise the log is framed
        Labels: runLabels,
      })
      try {
        await created.start()
        await created.wait()
        return versionIn((await created.logs({ stdout: true, stderr: true })).toString())
      } finally {
        await created.remove({ force: true })
      }
    },
  }
}
