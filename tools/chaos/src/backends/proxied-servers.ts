import { type Cluster, type Server, TcpProxy, type TlsOptions } from '@sd/contract-tests/servers'
import { launch, type TestServer } from '@sd/test-servers'
import type { FaultName } from '../schedule/round.ts'
import type { Link } from '../timeline/timeline-event.ts'
import type { ChaosBackend, LinkFault } from './chaos-backend.ts'

/** The faults that every server behind proxies can have. */
const serverFaults: readonly FaultName[] = [
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
]

/** A real server or a cluster, and for each link a proxy in front of every member. */
export class ProxiedServers implements AsyncDisposable {
  readonly cluster: Cluster
  readonly #direct: readonly string[]
  readonly #proxies: Readonly<Record<Link, readonly TcpProxy[]>>

  private constructor(
    cluster: Cluster,
    direct: readonly string[],
    proxies: Readonly<Record<Link, readonly TcpProxy[]>>,
  ) {
    this.cluster = cluster
    this.#direct = direct
    this.#proxies = proxies
  }

  /** Launches that many members from the source that this run has found, with `tls` where it is given. */
  static async launch(
    kind: TestServer,
    members: number,
    tls?: TlsOptions,
  ): Promise<ProxiedServers> {
    const names = Array.from({ length: members }, (_, index) => `n${index + 1}`)
    const cluster = await launch(kind, { members: names, ...(tls && { tls }) })
    const direct = cluster.servers.map(({ endpoints }) => endpoints[kind.clientPort] ?? '')
    const proxies = async (): Promise<readonly TcpProxy[]> =>
      Promise.all(direct.map((endpoint) => TcpProxy.to(endpoint)))
    return new ProxiedServers(cluster, direct, { a: await proxies(), b: await proxies() })
  }

  /** `host:port` of every member, or of its proxy for a link. */
  endpoints(over: Link | 'direct'): readonly string[] {
    return over === 'direct' ? this.#direct : this.#proxies[over].map(({ endpoint }) => endpoint)
  }

  /** The only server, whose data can be copied; undefined in a cluster or in a container. */
  get copyable(): Server | undefined {
    const [server, ...others] = this.cluster.servers
    return others.length > 0 || server?.dataDir === undefined ? undefined : server
  }

  /** What every backend with servers takes from here. `more`: the faults that only it has. */
  parts(
    more: readonly FaultName[],
  ): Pick<ChaosBackend, 'description' | 'faults' | 'server' | 'members' | 'disturb' | 'heal'> {
    const { cluster } = this
    const { driver, version, servers } = cluster
    const each = (work: (server: Server) => Promise<void>): Promise<unknown> =>
      Promise.all(servers.map(work))
    const members: readonly FaultName[] = servers.length > 1 ? ['kill-leader', 'freeze-member'] : []
    const copies: readonly FaultName[] = this.copyable === undefined ? [] : ['backup', 'restore']
    return {
      description: `${version} as ${servers.length > 1 ? `${servers.length} ${driver}es` : `a ${driver}`}`,
      faults: new Set([...serverFaults, ...members, ...copies, ...more]),
      server: {
        stop: (how) => cluster.stop(how),
        start: () => cluster.start(),
        wipe: () => cluster.wipe(),
        pause: async () => void (await each((server) => server.pause())),
        resume: async () => void (await each((server) => server.resume())),
      },
      members: servers,
      disturb: async (fault) => {
        for (const proxy of this.#proxies[fault.link]) disturbLink(proxy, fault)
      },
      heal: async (link) => {
        for (const proxy of this.#proxies[link]) proxy.heal()
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const proxies = [...this.#proxies.a, ...this.#proxies.b]
    await Promise.all(proxies.map((proxy) => proxy[Symbol.asyncDispose]()))
    await this.cluster[Symbol.asyncDispose]()
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
