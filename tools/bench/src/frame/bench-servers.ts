import { goPeers, javaPeers } from '@sd/peers'
import {
  consul,
  durableZooKeeper,
  etcd,
  provideServers,
  type ProvidedServers,
  zookeeper,
} from '@sd/test-servers'
import type { ServerFault, ServerName, Side, Toolchain } from './benchmark.ts'

const kinds = {
  etcd: { server: etcd },
  consul: { server: consul },
  zookeeper: { server: zookeeper },
  'ZooKeeper ensemble': { server: durableZooKeeper, members: ['n1', 'n2', 'n3'] },
} as const
const programs = { go: goPeers, java: javaPeers } as const

/** The servers and the peers' programs of one run, each provided when a benchmark first needs it. */
export class BenchServers implements AsyncDisposable {
  readonly #provided = new Map<ServerName, Promise<ProvidedServers>>()
  readonly #commands = new Map<Toolchain, readonly string[] | undefined>()

  /** `host:port` of the server; empty without one. */
  async endpoint(name: ServerName | undefined): Promise<string> {
    return name === undefined ? '' : ((await this.#server(name)).endpoints[0] ?? '')
  }

  /** The version of a server that was provided, as `etcd 3.5.16`. */
  async version(name: ServerName): Promise<string> {
    return `${name} ${(await this.#server(name)).control?.version ?? 'at an endpoint'}`
  }

  /** The commands of those programs that the sides need and that run here. */
  async commands(
    sides: readonly Side[],
  ): Promise<Readonly<Partial<Record<Toolchain, readonly string[]>>>> {
    const needed = new Set(sides.flatMap(({ needs }) => needs ?? []))
    const found: Partial<Record<Toolchain, readonly string[]>> = {}
    for (const toolchain of needed) {
      if (!this.#commands.has(toolchain)) {
        const program = await programs[toolchain]()
        this.#commands.set(toolchain, 'command' in program ? program.command : undefined)
      }
      const command = this.#commands.get(toolchain)
      if (command !== undefined) found[toolchain] = command
    }
    return found
  }

  async fault(name: ServerName | undefined, fault: ServerFault): Promise<void> {
    if (name === undefined) throw new Error(`the benchmark has no server to ${fault}`)
    const { control } = await this.#server(name)
    if (control === undefined)
      throw new Error(
        `${name} was named in the environment, so that this run must not ${fault} it; unset SD_TEST_${kinds[name].server.name.toUpperCase()}_ENDPOINT`,
      )
    if (fault === 'start') await control.start()
    else if (fault === 'wipe') await control.wipe()
    else await control.stop(fault === 'kill' ? 'kill' : 'term')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const provided of this.#provided.values()) await (await provided)[Symbol.asyncDispose]()
  }

  #server(name: ServerName): Promise<ProvidedServers> {
    const known = this.#provided.get(name)
    if (known !== undefined) return known
    const { server, ...options } = kinds[name]
    const provided = provideServers(server, options)
    this.#provided.set(name, provided)
    return provided
  }
}
