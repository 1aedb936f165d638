import { randomUUID } from 'node:crypto'
import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers'
import { eventually } from '../eventually.ts'
import { runId, runLabel } from './run-id.ts'
import type { LaunchedServer, StopSignal } from './server.ts'
import { argumentsOf, environmentOf, filesOf, type MemberOptions } from './site.ts'
import { whenReady } from './when-ready.ts'

type Client = Awaited<ReturnType<typeof getContainerRuntimeClient>>
type Container = ReturnType<Client['container']['getById']>

const launchLabel = 'sd.test-servers.server'
const endDeadlineMs = 30_000

/** Options of a {@link ContainerServer}. */
export interface ContainerServerOptions extends MemberOptions {
  /** The network that the members share. */
  readonly network: string | undefined
  /**
   * Starts the members one after the other: the engine assigns the lowest free address, and a
   * Consul server that restarts with another member's address would be mistaken for that member.
   */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>
  /** The member's host name in that network. */
  readonly containerName: string
  hostPort(port: string): number
}

/** A server in a container of the Docker engine. Its data lives in the container. */
export class ContainerServer implements LaunchedServer {
  readonly #options: ContainerServerOptions
  readonly endpoints: Readonly<Record<string, string>>
  readonly #id = randomUUID()
  #container: Container | undefined

  constructor(options: ContainerServerOptions) {
    this.#options = options
    const { spec, member } = options
    this.endpoints = Object.fromEntries(
      Object.keys(spec.ports).map((port) => [port, member.fromHost(port)]),
    )
  }

  get name(): string {
    return this.#options.member.name
  }

  get version(): string {
    return this.#options.member.version
  }

  async start(): Promise<void> {
    await this.launch()
    await this.ready()
  }

  async launch(): Promise<void> {
    await this.#options.inTurn(async () => {
      if (this.#container) await this.#container.start()
      else this.#container = await this.#create()
    })
  }

  async ready(): Promise<void> {
    const { spec } = this.#options
    const { name, endpoints } = this
    const isGone = async () => ['exited', 'dead', 'absent'].includes(await this.#status())
    await whenReady({ name, spec, endpoints, isGone, logs: () => this.logs() })
  }

  /** Creates a container and starts it, always on the same ports of the host. */
  async #create(): Promise<Container> {
    const { spec, network } = this.#options
    const container = new GenericContainer(spec.container?.image ?? '')
      .withName(this.#options.containerName)
      .withAutoCleanup(false) // removed by our own label, without a reaper container
      .withLabels({ [runLabel]: runId, [launchLabel]: this.#id })
      .withEnvironment(environmentOf(this.#options))
      .withExposedPorts(
        ...Object.entries(spec.ports).map(([port, inside]) => ({
          container: inside,
          host: this.#options.hostPort(port),
        })),
      )
      .withCopyContentToContainer(
        filesOf(this.#options).map(([target, content]) => ({ target, content })),
      )
      .withWaitStrategy(Wait.forAll([])) // our own ready check waits instead
    const command = [...(spec.container?.command ?? []), ...argumentsOf(this.#options)]
    if (command.length > 0) container.withCommand(command)
    if (network) container.withNetworkMode(network)
    const client = await getContainerRuntimeClient()
    try {
      const started = await container.start()
      return client.container.getById(started.getId())
    } catch (error) {
      // Created but not started, for example because its port was taken: nothing else would remove
      // it.
      const filters = { label: [`${launchLabel}=${this.#id}`] }
      const left = await client.container.dockerode.listContainers({ all: true, filters })
      for (const { Id } of left) await client.container.getById(Id).remove({ force: true, v: true })
      throw error
    }
  }

  async #status(): Promise<string> {
    return this.#container ? (await this.#container.inspect()).State.Status : 'absent'
  }

  async stop(signal: StopSignal = 'term'): Promise<void> {
    await this.resume()
    const container = this.#container
    if (!container || (await this.#status()) !== 'running') return
    // The engine refuses to stop a container that has ended: the wait below decides.
    await (signal === 'term' ? container.stop({ t: 10 }) : container.kill()).catch(() => {})
    await eventually(
      `${this.name} ended`,
      endDeadlineMs,
      async () => (await this.#status()) === 'exited',
    )
  }

  async restart(signal: StopSignal = 'term'): Promise<void> {
    await this.stop(signal)
    await this.start()
  }

  async wipe(): Promise<void> {
    if (!this.#container) return
    if ((await this.#status()) === 'running' || (await this.#status()) === 'paused')
      throw new Error(`${this.name} runs; stop it before its data is wiped`)
    await this.#remove()
  }

  async pause(): Promise<void> {
    if (!this.#container) throw new Error(`${this.name} does not run`)
    await this.#container.pause()
  }

  async resume(): Promise<void> {
    if ((await this.#status()) === 'paused') await this.#container?.unpause()
  }

  async logs(): Promise<string> {
    const logs = await this.#container?.logs({ stdout: true, stderr: true, follow: false })
    return logs?.toString() ?? ''
  }

  async #remove(): Promise<void> {
    await this.#container?.remove({ force: true, v: true })
    this.#container = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#remove()
  }
}
