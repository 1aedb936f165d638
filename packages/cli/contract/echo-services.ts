import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { until } from '@sd/test-servers'

/** For that long nobody calls a service that has left every view. */
const idleMs = 1_000

interface EchoService {
  readonly server: Server
  /** When it was asked last, on the clock of `performance`. */
  askedMs: number
}

/** HTTP servers that answer with their name. */
export class EchoServices implements AsyncDisposable {
  readonly #services = new Map<string, EchoService>()

  /** Starts one; returns its URL. */
  async start(name: string): Promise<string> {
    const server = createServer((_, response) => {
      service.askedMs = performance.now()
      response.end(name)
    })
    const service = { server, askedMs: performance.now() }
    this.#services.set(name, service)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  /** Ends one once nobody calls it any more. */
  async stopWhenIdle(name: string): Promise<void> {
    const asked = (): number => this.#services.get(name)?.askedMs ?? 0
    await until(`nobody calls ${name}`, () => performance.now() - asked() > idleMs)
    await this.#stop(name)
  }

  async #stop(name: string): Promise<void> {
    const service = this.#services.get(name)
    this.#services.delete(name)
    if (service !== undefined) await new Promise((resolve) => service.server.close(resolve))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#services.keys()].map((name) => this.#stop(name)))
  }
}
