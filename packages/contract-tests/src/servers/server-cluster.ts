import type { Cluster, LaunchedServer, StopSignal } from './server.ts'

/** Options of a {@link ServerCluster}. */
export interface ServerClusterOptions {
  readonly driver: 'container' | 'process'
  readonly version: string
  readonly servers: readonly LaunchedServer[]
  /** Removes shared resources after the servers have ended. */
  close(): Promise<void>
}

/** Applies each operation to all of its servers at once. */
export class ServerCluster implements Cluster {
  readonly driver: 'container' | 'process'
  readonly version: string
  readonly servers: readonly LaunchedServer[]
  readonly #options: ServerClusterOptions

  constructor(options: ServerClusterOptions) {
    this.#options = options
    this.driver = options.driver
    this.version = options.version
    this.servers = options.servers
  }

  async start(): Promise<void> {
    await this.#each((server) => server.launch())
    // The first server that ends rejects: the others would wait for it until their deadline.
    await Promise.all(this.servers.map((server) => server.ready()))
  }

  stop(signal?: StopSignal): Promise<void> {
    return this.#each((server) => server.stop(signal))
  }

  wipe(): Promise<void> {
    return this.#each((server) => server.wipe())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#each(async (server) => server[Symbol.asyncDispose]())
    } finally {
      await this.#options.close()
    }
  }

  /** Waits for all of them, even when one fails: no operation continues in the background. */
  async #each(operation: (server: LaunchedServer) => Promise<void>): Promise<void> {
    const results = await Promise.allSettled(this.servers.map(operation))
    const failed = results.filter((result) => result.status === 'rejected')
    if (failed.length > 0)
      throw new AggregateError(
        failed.map((result) => result.reason as unknown),
        failed.map((result) => String(result.reason)).join('\n'),
      )
  }
}
