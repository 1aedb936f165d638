import { randomUUID } from 'node:crypto'
import { getContainerRuntimeClient } from 'testcontainers'
import { ContainerServer } from './container-server.ts'
import { runId, runLabel } from './run-id.ts'
import type { Site, SiteOptions } from './site.ts'

/** Runs pieces of work one after the other, in the order in which they are passed. */
function takeTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const turn = last.then(work, work)
    last = turn.catch(() => {})
    return turn
  }
}

/** A site for containers: with several members, a network in which they know each other by name. */
export async function openContainerSite(options: SiteOptions): Promise<Site> {
  const { spec, members, version, launch } = options
  const client = await getContainerRuntimeClient()
  const id = `sd-test-${randomUUID()}`
  const network =
    members.length === 1
      ? undefined
      : await client.container.dockerode.createNetwork({
          Name: id,
          Labels: { [runLabel]: runId },
        })
  const inTurn = takeTurns()
  // The engine resolves container names in a user-defined network; they must be unique on the
  // engine.
  const containerName = (member: string) => `${id}-${member}`
  return {
    server: (name) => {
      const member = {
        name,
        members,
        version,
        driver: 'container' as const,
        confDir: '/conf',
        dataDir: '/data',
        listen: '0.0.0.0',
        port: (port: string) => spec.ports[port] ?? 0,
        fromHost: (port: string) => `127.0.0.1:${options.hostPort(name, port)}`,
        fromPeers: (port: string, other: string) =>
          `${network ? containerName(other) : '127.0.0.1'}:${spec.ports[port]}`,
      }
      return new ContainerServer({
        spec,
        member,
        launch,
        network: network?.id,
        inTurn,
        containerName: containerName(name),
        hostPort: (port) => options.hostPort(name, port),
      })
    },
    close: async () => {
      await network?.remove()
    },
  }
}
