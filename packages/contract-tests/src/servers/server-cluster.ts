import type { Cluster, LaunchedServer, StopSignal } from './server.ts'

/** What a {@link ServerCluster} is made of. */
export interface ServerClusterOptions {
  readonly driver: 'container' | 'process'
  readonly version: string
  readonly servers: readonly LaunchedServer[]
  /** Removes what the servers shared, once they are gone. */
  close(): Promise<void>
}

/** Does to all of its servers at once what is asked of it. */
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
    // The first one that ends tells: the others would wait for it until their deadline.
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

  /** Waits for all of them, even when one fails: no operation goes on behind the caller's back. */
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
