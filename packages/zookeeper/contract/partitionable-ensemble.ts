import { type Cluster, type Member, type Server, TcpProxy } from '@sd/contract-tests/servers'
import type { TestServer } from '@sd/test-servers'
import { PatientRelay } from './patient-relay.ts'
import { clientOf, withSettings } from './support.ts'
import { launchZooKeeper } from './test-tls.ts'

const members = ['n1', 'n2', 'n3'] as const

/** One member's way to another. */
interface Link {
  readonly from: string
  readonly to: string
  readonly election: TcpProxy
  readonly quorum: TcpProxy
  /** Behind `quorum`: a member listens there only while it leads. */
  readonly relay: PatientRelay
}

/** Three members that reach each other only through proxies of this process. */
export interface PartitionableEnsemble extends AsyncDisposable {
  readonly cluster: Cluster
  /** The addresses for clients, which no partition affects. */
  readonly hosts: readonly string[]
  /** Drops everything between a member and the others, until {@link heal}. */
  cutOff(server: Server): void
  heal(): void
}

const openLink = async (from: string, to: string): Promise<Link> => {
  const relay = await PatientRelay.listen()
  const [election, quorum] = await Promise.all([TcpProxy.to(''), TcpProxy.to(relay.endpoint)])
  return { from, to, election, quorum, relay }
}

const portOf = (endpoint: string): string => endpoint.slice(endpoint.lastIndexOf(':') + 1)

/** A member's address in the configuration of `member`, where `link` leads to it; its own without one. */
const addressOf = (link: Link | undefined, member: Member): string => {
  const at = (port: string, name: string): string => member.fromPeers(port, name)
  if (link === undefined)
    return `0.0.0.0:${portOf(at('quorum', member.name))}:${portOf(at('election', member.name))}`
  link.election.target = at('election', link.to)
  link.relay.target = at('quorum', link.to)
  return `127.0.0.1:${portOf(link.quorum.endpoint)}:${portOf(link.election.endpoint)}`
}

// alone, a member asks the others for an election ever more rarely, by default up to once a minute
const server = withSettings({
  properties: { 'zookeeper.fastleader.maxNotificationInterval': '500' },
})

/**
 * Each member has another static configuration, which servers allow without `reconfigEnabled`: the
 * addresses of the others are those of its proxies. Its own is a wildcard. A member that is contacted for
 * an election by one with a lower id connects back to the address that this one has of itself, unless that
 * is a wildcard (`QuorumCnxManager.InitialMessage.parse`): then to the one that it is configured with.
 */
const serverOf = (links: readonly Link[]): TestServer => ({
  ...server,
  files: (member, options) => {
    const files = server.files?.(member, options) ?? {}
    const cfg = `${member.confDir}/zoo.cfg`
    const settings = (files[cfg] ?? '').split('\n').filter((line) => !line.startsWith('server.'))
    const addresses = member.members.map((other, index) => {
      const link = links.find(({ from, to }) => from === member.name && to === other)
      return `server.${index + 1}=${addressOf(link, member)}`
    })
    return { ...files, [cfg]: [...settings, ...addresses, ''].join('\n') }
  },
})

/** Launches the members, which must be processes of this machine. */
export const launchPartitionable = async (): Promise<PartitionableEnsemble> => {
  const pairs = members.flatMap((from) =>
    members.flatMap((to) => (from === to ? [] : [{ from, to }])),
  )
  const links = await Promise.all(pairs.map(({ from, to }) => openLink(from, to)))
  const close = async (): Promise<void> => {
    for (const { election, quorum, relay } of links)
      for (const each of [election, quorum, relay]) await each[Symbol.asyncDispose]()
  }
  try {
    const cluster = await launchZooKeeper(serverOf(links), { members })
    return {
      cluster,
      hosts: cluster.servers.map(clientOf),
      cutOff: ({ name }) => {
        for (const { from, to, election, quorum } of links)
          if (from === name || to === name)
            for (const proxy of [election, quorum]) proxy.partition(true)
      },
      heal: () => {
        for (const { election, quorum } of links)
          for (const proxy of [election, quorum]) proxy.partition(false)
      },
      [Symbol.asyncDispose]: async () => {
        await cluster[Symbol.asyncDispose]()
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}
