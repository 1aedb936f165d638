import { Child } from '@sd/calling-tests'
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Registration, Registry } from '@sd/core'
import { answering } from './answering.ts'

interface Member {
  readonly registration: Registration
  stop(): Promise<void>
}

/** How long a server continues to serve after it deregistered, until clients know of it. */
const propagationMs = 1_000
/** How long the registry keeps an instance that was killed: the shortest ttl of all backends. */
const ttlMs = 2_000

const register = (registry: Registry, id: string, port: number): Promise<Registration> =>
  registry.register({ service: 'orders', id, endpoints: [`http://127.0.0.1:${port}`] })

const gracefully = async (server: Server, registration: Registration): Promise<void> => {
  await registration.deregister()
  await delay(propagationMs)
  const closed = once(server, 'close')
  server.close()
  // Node closes idle connections once: those that become idle later are closed here
  const timer = setInterval(() => server.closeIdleConnections(), 50)
  await closed
  clearInterval(timer)
}

const abruptly = async (server: Server, registration: Registration): Promise<void> => {
  server.close()
  server.closeAllConnections()
  await delay(ttlMs)
  await registration.deregister()
}

/** Servers that are replaced as in a rolling deploy. */
export class Fleet implements AsyncDisposable {
  readonly #registry: Registry
  readonly #members: Member[] = []
  readonly #leaving: Promise<void>[] = []
  /** Processes started in advance, as starting one takes longer than 100 ms. */
  readonly #stock: Child[] = []
  /** How many servers were started. */
  made = 0

  constructor(registry: Registry) {
    this.#registry = registry
  }

  /** A server in this process that is stopped gracefully. */
  join(): Promise<void> {
    return this.#join(gracefully)
  }

  /**
   * A server in this process that is stopped abruptly: it stops listening, and its connections break, as
   * with a process that is killed, which takes longer than 100 ms to start.
   */
  joinToBeCutOff(): Promise<void> {
    return this.#join(abruptly)
  }

  async #join(stop: (server: Server, registration: Registration) => Promise<void>): Promise<void> {
    const server = answering().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const registration = await register(this.#registry, String((this.made += 1)), port)
    this.#members.push({ registration, stop: () => stop(server, registration) })
  }

  /** Starts processes for `joinProcess`. */
  prepare(count: number): void {
    for (let i = 0; i < count; i += 1)
      this.#stock.push(Child.launch(new URL('server-process.ts', import.meta.url), {}))
  }

  /** A server in its own process, which is killed; the registry detects it after a ttl. */
  async joinProcess(): Promise<void> {
    this.prepare(1)
    const [child] = this.#stock.splice(0, 1) as [Child]
    const port = await child.ask<number>('port')
    const registration = await register(this.#registry, String((this.made += 1)), port)
    this.#members.push({
      registration,
      stop: async () => {
        await child[Symbol.asyncDispose]()
        await delay(ttlMs)
        await registration.deregister()
      },
    })
  }

  /** Stops the oldest one. */
  leave(): string | undefined {
    const [oldest] = this.#members.splice(0, 1)
    if (oldest === undefined) return undefined
    this.#leaving.push(oldest.stop())
    return oldest.registration.instance.id
  }

  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#members.length > 0) this.leave()
    await Promise.all(this.#stock.map((child) => child[Symbol.asyncDispose]()))
    await Promise.all(this.#leaving)
  }
}
