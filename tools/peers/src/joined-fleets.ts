import { launch, type TestServer } from '@sd/test-servers'
import type { InteropPair } from './interop-pair.ts'
import { JoinedFleet } from './joined-fleet.ts'
import type { RunnablePeer } from './runnable-peers.ts'

type Cluster = Awaited<ReturnType<typeof launch>>

/** The server is killed, and starts with its data. */
export const killAndStart = async (cluster: Cluster): Promise<void> => {
  await cluster.stop('kill')
  await cluster.start()
}

/** The server is killed, and starts without its data. */
export const killAndWipe = async (cluster: Cluster): Promise<void> => {
  await cluster.stop('kill')
  await cluster.wipe()
  await cluster.start()
}

/** A peer with how `@sd` joins its fleet. */
export interface JoinablePeer {
  readonly pair: InteropPair
  readonly peer: RunnablePeer
}

/** The peers of one server, side by side on it. Each is joined when it is first needed. */
export class JoinedFleets implements AsyncDisposable {
  readonly #cluster: Cluster
  readonly #endpoint: string
  readonly #open = new Map<JoinablePeer, Promise<JoinedFleet>>()

  private constructor(cluster: Cluster, endpoint: string) {
    this.#cluster = cluster
    this.#endpoint = endpoint
  }

  static async launch(server: TestServer): Promise<JoinedFleets> {
    const cluster = await launch(server)
    return new JoinedFleets(cluster, cluster.servers[0]?.endpoints[server.clientPort] ?? '')
  }

  joined(joinable: JoinablePeer): Promise<JoinedFleet> {
    const { pair, peer } = joinable
    const fleet = this.#open.get(joinable) ?? JoinedFleet.open(pair, peer, this.#endpoint)
    this.#open.set(joinable, fleet)
    return fleet
  }

  /** Prepares all of them, then lets them meet one outage. The test of a peer shows what it missed. */
  async meet(
    outage: (cluster: Cluster) => Promise<void>,
    peers: readonly JoinablePeer[],
    prepare: (fleet: JoinedFleet) => Promise<void>,
  ): Promise<void> {
    await Promise.allSettled(peers.map(async (peer) => prepare(await this.joined(peer))))
    await outage(this.#cluster)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const close = async (fleet: Promise<JoinedFleet>): Promise<void> =>
      (await fleet)[Symbol.asyncDispose]()
    await Promise.allSettled([...this.#open.values()].map(close))
    await this.#cluster[Symbol.asyncDispose]()
  }
}
