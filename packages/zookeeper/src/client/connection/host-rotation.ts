import type { Random } from '@sd/core/driver'

/** Where a server listens. */
export interface Host {
  readonly host: string
  readonly port: number
}

const firstDelayMs = 100
const maxDelayMs = 1_000

/**
 * Which host to try next, and when: each once without delay, then all in rounds with growing delays
 * between the rounds, so that no host waits long for its next attempt, and a server that drops
 * connections right after the handshake is not tried some thousand times a second.
 */
export class HostRotation {
  readonly #hosts: readonly Host[]
  readonly #random: Random
  readonly #maxDelayMs: number
  #index: number
  #attempts = 0

  /** No delay is longer than a quarter of `sessionTimeoutMs`, as a session must reconnect within it. */
  constructor(hosts: readonly Host[], sessionTimeoutMs: number, random: Random) {
    this.#hosts = hosts
    this.#random = random
    this.#maxDelayMs = Math.min(maxDelayMs, sessionTimeoutMs / 4)
    // distributes processes over the members
    this.#index = Math.floor(random.next() * hosts.length)
  }

  /** The number of hosts. */
  get size(): number {
    return this.#hosts.length
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

  /** Called when a connection lasted or another client begins: the next attempt has no delay. */
  settled(): void {
    this.#attempts = 0
  }
}

/** Parses `host:port`, with an IPv6 address in brackets; `undefined` for any other text. */
export const parseHost = (text: string): Host | undefined => {
  const match = /^(?:\[([^\]]+)\]|([^:/@\s[\]]+)):(\d{1,5})$/.exec(text)
  const [host, port] = [match?.[1] ?? match?.[2], Number(match?.[3])]
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port }
}
