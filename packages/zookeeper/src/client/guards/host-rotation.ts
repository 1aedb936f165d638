import type { Random } from '@sd/core/driver'
import type { Host } from '../library.ts'

const firstDelayMs = 100
const maxDelayMs = 1_000

/**
 * Which host to try next, and when: each once without delay, then round after round with growing
 * delays between the rounds, so that a host that is back is never far behind a dead one. The
 * library counts a connection as good once the handshake is done, and reconnects without delay: a
 * server that drops us right after it would be asked some thousand times a second.
 */
export class HostRotation {
  readonly #hosts: readonly Host[]
  readonly #random: Random
  readonly #maxDelayMs: number
  #index: number
  #attempts = 0

  /** `sessionTimeoutMs`: a session must be saved within it, so no delay takes more than a quarter. */
  constructor(hosts: readonly Host[], sessionTimeoutMs: number, random: Random) {
    this.#hosts = hosts
    this.#random = random
    this.#maxDelayMs = Math.min(maxDelayMs, sessionTimeoutMs / 4)
    // spreads processes over the members
    this.#index = Math.floor(random.next() * hosts.length)
  }

  /** The next host, and how long to wait before it is tried. */
  next(): { readonly host: Host; readonly delayMs: number } {
    const count = this.#hosts.length
    const attempt = this.#attempts++
    const host = this.#hosts[this.#index++ % count] as Host
    if (attempt === 0 || attempt % count > 0) return { host, delayMs: 0 }
    const delayMs = Math.min(
      firstDelayMs * 2 ** Math.min(attempt / count - 1, 10),
      this.#maxDelayMs,
    )
    return { host, delayMs: delayMs * (0.5 + this.#random.next() / 2) }
  }

  /** A connection lasted, or another client begins: the next attempt is a first one again. */
  settled(): void {
    this.#attempts = 0
  }
}

/** `host:port` as a host, an IPv6 address in brackets; `undefined` if it is none. */
export const parseHost = (text: string): Host | undefined => {
  const match = /^(?:\[([^\]]+)\]|([^:/@\s[\]]+)):(\d{1,5})$/.exec(text)
  const [host, port] = [match?.[1] ?? match?.[2], Number(match?.[3])]
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port }
}
