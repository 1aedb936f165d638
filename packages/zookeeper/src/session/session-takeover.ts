import { abortable, type DriverContext, type RenewableSession } from '@sd/core/driver'
import { connectRequest } from '../client/codec/handshake.ts'
import { sessionIdOf } from '../client/codec/replies.ts'
import type { HostRotation } from '../client/connection/host-rotation.ts'
import { Link, type LinkOptions } from '../client/connection/link.ts'
import { patienceMs } from '../client/connection/patience.ts'
import { zookeeperError } from '../errors.ts'

/** The constructor parameters of `SessionTakeover`. */
export interface SessionTakeoverOptions extends Pick<LinkOptions, 'secureOptions'> {
  /** Hexadecimal, as in `ZooKeeperClient.sessionId`. */
  readonly id: string
  /** Hexadecimal, the password that the server gave with the session. */
  readonly password: string
  readonly ttlMs: number
  readonly rotation: HostRotation
  readonly clock: DriverContext['clock']
}

/**
 * Renews a ZooKeeper session by taking it: a handshake with its id and password moves it to that
 * connection, and counts as heard of its client (`ZooKeeperServer.reopenSession`; a follower asks the
 * leader, `LearnerHandler.REVALIDATE`). The connection is closed at once, which does not close the
 * session. So nothing of this thread sends pings beyond a renewal, and the connection of the event loop
 * finds nobody in its place. There is no login, as servers ask for one before requests only.
 */
export class SessionTakeover implements RenewableSession {
  readonly takesSession = true
  readonly #options: SessionTakeoverOptions
  readonly #handshake: Buffer
  /** The one that answered last, or is being tried. */
  #host: LinkOptions['host'] | undefined
  #link: Link | undefined
  /** How many hosts in a row stayed silent. */
  #silences = 0

  constructor(options: SessionTakeoverOptions) {
    const { id, password, ttlMs } = options
    this.#options = options
    const key = { id: sessionIdOf(id), password: Buffer.from(password, 'hex') }
    // the server grants the timeout anew, and this thread has seen no transaction
    this.#handshake = connectRequest(key, ttlMs, 0n)
  }

  /** Tries one host; the next attempt another one, if this one did not answer. */
  async renew(signal: AbortSignal): Promise<void> {
    const { id, ttlMs, rotation, secureOptions, clock } = this.#options
    // the attempt before this one was not answered in time
    if (this.#link !== undefined) this.#leave(this.#link, true)
    const host = (this.#host ??= rotation.next().host)
    const rounds = Math.floor(this.#silences / rotation.size)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const link = new Link(
      {
        host,
        secureOptions,
        handshake: this.#handshake,
        // a third of the ttl has passed before the loop counts as blocked
        patienceMs: patienceMs((2 * ttlMs) / 3, rotation.size, rounds),
        clock,
      },
      {
        opened: () => {
          this.#link = undefined
          this.#silences = 0
          resolve()
        },
        refused: () =>
          reject(zookeeperError('session-lost', 'renew', `no server knows the session ${id}`)),
        frame: () => {},
        failed: ({ why, isSilent }) => {
          this.#leave(link, isSilent)
          this.#link = undefined
          reject(zookeeperError('unavailable', 'renew', `${host.host}:${host.port}: ${why}`))
        },
      },
    )
    this.#link = link
    try {
      await abortable(promise, signal)
    } finally {
      link.close()
    }
  }

  release(): void {
    this.#link?.close()
  }

  /** Gives up a host. */
  #leave(link: Link, isSilent: boolean): void {
    link.close()
    this.#host = undefined
    if (isSilent) this.#silences++
  }
}
