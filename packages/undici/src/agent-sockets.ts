import type { Duplex } from 'node:stream'
import type { InstanceChange } from '@sd/core'
import { EndpointCount } from './endpoint-count.ts'
import type { Connections } from './service-route.ts'

/** Whether a socket of an agent is idle and waits for a request. */
export type IsIdle = (socket: Duplex) => boolean

/** The sockets of agents to the instances of one service. */
export class AgentSockets implements Connections {
  readonly #isIdle: IsIdle
  readonly #count = new EndpointCount()
  readonly #sockets = new Map<string, Set<Duplex>>()
  #closed = false

  constructor(isIdle: IsIdle) {
    this.#isIdle = isIdle
  }

  /** Tracks a socket to an endpoint until it closes. */
  add(endpoint: string, socket: Duplex): void {
    const sockets = this.#sockets.get(endpoint) ?? new Set()
    this.#sockets.set(endpoint, sockets.add(socket))
    socket.once('close', () => {
      sockets.delete(socket)
      if (sockets.size === 0 && this.#sockets.get(endpoint) === sockets)
        this.#sockets.delete(endpoint)
    })
  }

  /** Whether an instance still has the endpoint, so that its sockets are worth keeping. */
  wants(endpoint: string): boolean {
    return !this.#closed && this.#count.has(endpoint)
  }

  apply(changes: readonly InstanceChange[]): void {
    this.#count.apply(changes, (endpoint) => this.#closeIdle(endpoint))
  }

  // Node's agents close sockets after a long idle time themselves
  sweep(): void {}

  async close(): Promise<void> {
    this.#closed = true
    for (const endpoint of this.#sockets.keys()) this.#closeIdle(endpoint)
  }

  async destroy(error: Error): Promise<void> {
    this.#closed = true
    for (const sockets of this.#sockets.values())
      for (const socket of sockets) socket.destroy(error)
  }

  #closeIdle(endpoint: string): void {
    for (const socket of this.#sockets.get(endpoint) ?? [])
      if (this.#isIdle(socket)) socket.destroy()
  }
}
