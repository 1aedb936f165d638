import type { InstanceInput, Registry, ServiceInstance, Watcher } from '@sd/core'
import { createRegistry } from '@sd/registry'
import { until } from '@sd/test-servers'
import type { InteropPair } from './interop-pair.ts'
import { type OwnerProcess, startOwner } from './owner-process.ts'
import type { PeerInstance } from './peer-instance.ts'
import { type PeerOptions, PeerRegistrar, PeerWatcher } from './peer-process.ts'
import type { RunnablePeer } from './runnable-peers.ts'

/** Of both sides, where the library has a choice: shorter ones end on a busy machine. */
const ttlMs = 6_000
/** A ttl of either side, then what servers and readers take on a busy machine. */
const expiryMs = 4 * ttlMs + 30_000

/** What both sides show of an instance. */
export type View = readonly { readonly endpoints: readonly string[] }[]

/** The hosts in the endpoints of a view, sorted: equal for equal views of both sides. */
export const hostsIn = (view: View): readonly string[] =>
  [
    ...new Set(
      view.flatMap(({ endpoints }) =>
        endpoints.flatMap((endpoint) => /\d+\.\d+\.\d+\.\d+/.exec(endpoint)?.[0] ?? []),
      ),
    ),
  ].toSorted()

/** One peer and `@sd` on a server: both register and watch one service, which no other peer uses. */
export class JoinedFleet implements AsyncDisposable {
  readonly pair: InteropPair
  readonly registry: Registry
  /** The records that our reader could not read. */
  readonly skipped: readonly string[]
  readonly #here: Watcher
  readonly #peer: RunnablePeer
  readonly #at: PeerOptions
  #there: PeerWatcher
  #registrar: PeerRegistrar

  private constructor(
    pair: InteropPair,
    peer: RunnablePeer,
    server: string,
    ours: { readonly registry: Registry; readonly here: Watcher; readonly skipped: string[] },
  ) {
    this.pair = pair
    this.registry = ours.registry
    this.skipped = ours.skipped
    this.#here = ours.here
    this.#peer = peer
    this.#at = { peer: pair.peer, server }
    this.#there = this.#newWatcher()
    this.#registrar = this.#newRegistrar()
  }

  /** Starts the processes of the peer, and a registry of ours at `server` (`host:port`). */
  static async open(pair: InteropPair, peer: RunnablePeer, server: string): Promise<JoinedFleet> {
    const skipped: string[] = []
    const registry = await createRegistry({
      url: pair.url(server),
      ttlMs,
      logger: {
        debug: () => {},
        info: () => {},
        warn: (details, message) => {
          if ('event' in details && details.event === 'record-skipped') skipped.push(message)
        },
        error: () => {},
      },
    })
    const here = registry.watch(JoinedFleet.serviceOf(pair))
    await here.next()
    return new JoinedFleet(pair, peer, server, { registry, here, skipped })
  }

  private static serviceOf({ peer }: InteropPair): string {
    return `orders-${peer}`
  }

  get service(): string {
    return JoinedFleet.serviceOf(this.pair)
  }

  /** The peer's registrar. */
  get registrar(): PeerRegistrar {
    return this.#registrar
  }

  /** What the peer's reader shows now. */
  get viewThere(): View {
    return this.#there.view ?? []
  }

  /** The errors of the peer's reader, without those that it reports in any fleet. */
  get readerErrors(): readonly string[] {
    return this.#there.errors.filter((error) => error !== this.pair.usualError)
  }

  /** An instance of ours. */
  ours(id: string, host: string): InstanceInput {
    return { service: this.service, id, endpoints: this.pair.endpoints(host) }
  }

  /** An instance of the peer's. An agent of Consul has one service for each id, whatever its name is. */
  theirs(id: string, host: string, weight?: number): PeerInstance {
    return {
      id: `${this.service}-${id}`,
      name: this.service,
      version: '1',
      metadata: weight === undefined ? { a: 'b' } : { a: 'b', weight: String(weight) },
      endpoints: this.#peer.endpoints(host),
    }
  }

  /** Resolves once our reader shows all hosts of `shown`, and none of `gone`. */
  async seenHere(what: string, shown: readonly string[], gone: readonly string[]): Promise<void> {
    await this.holdsHere(what, (view) => showsOnly(view, shown, gone))
  }

  /** Resolves once the peer's reader shows all hosts of `shown`, and none of `gone`. */
  async seenThere(what: string, shown: readonly string[], gone: readonly string[]): Promise<void> {
    await this.holdsThere(what, (view) => showsOnly(view, shown, gone))
  }

  /** As {@link seenHere} and {@link seenThere}. */
  async seen(what: string, shown: readonly string[], gone: readonly string[] = []): Promise<void> {
    await Promise.all([this.seenHere(what, shown, gone), this.seenThere(what, shown, gone)])
  }

  /** Resolves with our view once `condition` holds of it. */
  async holdsHere(
    what: string,
    condition: (view: readonly ServiceInstance[]) => boolean,
  ): Promise<readonly ServiceInstance[]> {
    await until(what, () => condition(this.#here.instances), expiryMs).catch((cause: unknown) => {
      throw new Error(`${what}; view here ${JSON.stringify(this.#here.instances)}`, { cause })
    })
    return this.#here.instances
  }

  /** Resolves once `condition` holds of the peer's view. */
  async holdsThere(
    what: string,
    condition: (view: readonly PeerInstance[]) => boolean,
  ): Promise<void> {
    await this.#there.sees(what, condition, expiryMs)
  }

  /** Resolves once the server answers us with all of these hosts. */
  async listed(what: string, hosts: readonly string[]): Promise<void> {
    const all = async (): Promise<boolean> =>
      showsOnly(await this.registry.list(this.service), hosts, [])
    await until(what, all, expiryMs)
  }

  /** Starts a process of ours that registers one instance. */
  startOwner(instance: InstanceInput): Promise<OwnerProcess> {
    return startOwner(this.pair.url(this.#at.server), ttlMs, instance)
  }

  /** Kills the peer's registrar; another process of it registers from now on. */
  async replaceRegistrar(): Promise<void> {
    await this.#registrar.kill()
    this.#registrar = this.#newRegistrar()
  }

  /** Watches with a new process of the peer from now on. */
  async watchAgain(): Promise<void> {
    await this.#there[Symbol.asyncDispose]()
    this.#there = this.#newWatcher()
  }

  #newWatcher(): PeerWatcher {
    return new PeerWatcher(this.#peer.command, { ...this.#at, service: this.service })
  }

  #newRegistrar(): PeerRegistrar {
    return new PeerRegistrar(this.#peer.command, { ...this.#at, ttlSeconds: ttlMs / 1_000 })
  }

  /**
   * Registers an instance of theirs after an outage. Where the library has given up, its user starts
   * the process again.
   */
  async registerAgain(instance: PeerInstance): Promise<void> {
    if (!this.pair.recovers) await this.replaceRegistrar()
    const registered = (): Promise<boolean> => this.#registrar.register(instance).then(() => true)
    await until(`${this.pair.peer} registers again`, registered, expiryMs)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#there[Symbol.asyncDispose]()
    await this.#registrar[Symbol.asyncDispose]()
    await this.registry.close()
  }
}

const showsOnly = (view: View, shown: readonly string[], gone: readonly string[]): boolean => {
  const hosts = hostsIn(view)
  return shown.every((host) => hosts.includes(host)) && !gone.some((host) => hosts.includes(host))
}
