import { type Cluster, type Server, TcpProxy } from '@sd/contract-tests/servers'
import { launch, type TestServer } from '@sd/test-servers'
import type { FaultName } from '../schedule/round.ts'
import type { Link } from '../timeline/timeline-event.ts'
import type { ChaosBackend, LinkFault } from './chaos-backend.ts'

/** The faults that every server behind proxies can have. */
export const serverFaultNames = (server: Server): readonly FaultName[] => [
  'kill-server',
  'stop-server',
  'wipe',
  'freeze',
  'reset',
  'partition',
  'one-way',
  'slow',
  'stall',
  'flaky',
  'hang-writes',
  // a container keeps its data to itself
  ...(server.dataDir === undefined ? [] : (['backup', 'restore'] as const)),
]

/** One real server, and a proxy in front of it for each link. */
export class ProxiedServer implements AsyncDisposable {
  readonly server: Server
  readonly #cluster: Cluster
  readonly #direct: string
  readonly #proxies: Readonly<Record<Link, TcpProxy>>

  private constructor(
    cluster: Cluster,
    server: Server,
    direct: string,
    proxies: Readonly<Record<Link, TcpProxy>>,
  ) {
    this.#cluster = cluster
    this.server = server
    this.#direct = direct
    this.#proxies = proxies
  }

  /** Launches it from the source that this run has found. */
  static async launch(kind: TestServer): Promise<ProxiedServer> {
    const cluster = await launch(kind)
    const [server] = cluster.servers
    if (server === undefined) throw new Error(`no ${kind.name} was launched`)
    const direct = server.endpoints[kind.clientPort] ?? ''
    const proxies = { a: await TcpProxy.to(direct), b: await TcpProxy.to(direct) }
    return new ProxiedServer(cluster, server, direct, proxies)
  }

  /** `host:port` of the server, or of the proxy of a link. */
  endpoint(over: Link | 'direct'): string {
    return over === 'direct' ? this.#direct : this.#proxies[over].endpoint
  }

  /** What a `ChaosBackend` takes from here. */
  parts(): Pick<ChaosBackend, 'description' | 'server' | 'disturb' | 'heal'> {
    const { driver, version } = this.#cluster
    return {
      description: `${version} as a ${driver}`,
      server: this.server,
      disturb: async (fault) => disturbLink(this.#proxies[fault.link], fault),
      heal: async (link) => this.#proxies[link].heal(),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { a, b } = this.#proxies
    await Promise.all([a[Symbol.asyncDispose](), b[Symbol.asyncDispose]()])
    await this.#cluster[Symbol.asyncDispose]()
  }
}

/** Begins a fault on every connection of a proxy; `proxy.heal()` ends it. */
const disturbLink = (proxy: TcpProxy, fault: LinkFault): void => {
  switch (fault.kind) {
    case 'reset':
      proxy.reset()
      return
    case 'partition':
      proxy.partition(true)
      return
    case 'one-way':
      proxy.partition(true, fault.from)
      return
    case 'slow':
      proxy.latency(fault.delayMs)
      return
    case 'stall':
      proxy.silence()
      return
    case 'flaky':
      proxy.cutAfter(fault.bytes, 'always')
      return
    case 'hang-writes':
      proxy.hangAfter(fault.bytes)
  }
}
