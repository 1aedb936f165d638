import type { Clock } from '@sd/core/driver'
import type { ZooKeeperConfig } from '../config.ts'
import { serverVersion } from './server-version.ts'
import type { ZooKeeperClient } from './zookeeper-client.ts'
import { isCode, ZooKeeperError } from './zookeeper-error.ts'

/** A path below which the driver creates no node. */
const probedPath = '/zookeeper'

/**
 * Refuses servers before ZooKeeper 3.6. They know only some of the requests that a driver sends: a
 * registration would succeed, and its first audit would fail.
 */
export class ReleaseCheck {
  readonly #config: ZooKeeperConfig
  readonly #clock: Clock
  readonly #closed: AbortSignal
  #passed = false

  /** `closed` aborts when the driver is closed. */
  constructor(config: ZooKeeperConfig, clock: Clock, closed: AbortSignal) {
    this.#config = config
    this.#clock = clock
    this.#closed = closed
  }

  /**
   * Sends a cheap request that servers know since 3.6, until one has answered it. Rejects with
   * `UNIMPLEMENTED` and the server's version if it is refused. `client` is connected.
   */
  async check(client: Pick<ZooKeeperClient, 'ephemerals' | 'server'>): Promise<void> {
    if (this.#passed) return
    // known only before the refusal, after which the server hangs up
    const { server } = client
    try {
      await client.ephemerals(probedPath, this.#closed)
      this.#passed = true
    } catch (cause) {
      if (!isCode(cause, 'UNIMPLEMENTED')) throw cause
      const asked = { ...this.#config, hosts: [server] }
      const version = await serverVersion(asked, this.#clock, this.#closed)
      const release =
        version === 'unknown' ? 'a ZooKeeper of unknown version' : `ZooKeeper ${version}`
      const message = `${release} at ${server}; 3.6 or later is needed`
      throw new ZooKeeperError('UNIMPLEMENTED', { operation: 'connect', message, cause })
    }
  }
}
