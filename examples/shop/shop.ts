import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Registry } from '@sd/registry'
import { Program } from './program.ts'

/** A port that is free now. */
export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

const pagesFolder = fileURLToPath(new URL('pages/', import.meta.url))

// a program in any language: `sd register` waits until it answers, and deregisters it before it stops
const startPages = async (): Promise<Program> => {
  const port = String(await freePort())
  const served = ['-m', 'http.server', port, '--bind', '127.0.0.1', '--directory', pagesFolder]
  const endpoint = `http://127.0.0.1:${port}`
  const args = ['register', 'pages', '--endpoint', endpoint, '--', 'python3', ...served]
  return Program.sd('pages', args)
}

const services = {
  orders: async () => Program.node('orders', 'orders.ts'),
  prices: async () => Program.node('prices', 'prices.ts'),
  pages: startPages,
} as const

type Service = keyof typeof services
const names = Object.keys(services) as readonly Service[]

/** Two instances of each of three services, and a gateway before them, each a process. */
export class Shop implements AsyncDisposable {
  readonly url: string
  readonly #registry: Registry
  readonly #gateway: Program
  #closed = false
  readonly #programs = new Map<Service, Program[]>(names.map((service) => [service, []]))

  private constructor(registry: Registry, port: number) {
    this.#registry = registry
    this.url = `http://127.0.0.1:${port}`
    const routes = ['/orders=orders', '/shop.Prices=prices', '/=pages'].flatMap((route) => [
      '--route',
      route,
    ])
    const listen = ['--host', '127.0.0.1', '--port', String(port)]
    const args = ['gateway', ...listen, ...routes, '--access-log', 'none']
    this.#gateway = Program.sd('gateway', args)
  }

  /** Starts everything, and resolves when every service answers through the gateway. */
  static async open(registry: Registry, port: number): Promise<Shop> {
    const shop = new Shop(registry, port)
    try {
      await Promise.all(names.map((service) => shop.#add(service, 2)))
      await shop.#answering('/')
      await shop.#answering('/orders/pen')
      return shop
    } catch (error) {
      await shop[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Replaces every instance of every service, one after the other: first the new one, then the old. */
  async restart(replaced: (old: Program) => void): Promise<void> {
    for (const service of names)
      for (const old of [...(this.#programs.get(service) ?? [])]) {
        await this.#add(service, 1)
        await old.stop()
        this.#programs.set(
          service,
          this.#running(service).filter((program) => program !== old),
        )
        replaced(old)
      }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    // the gateway first: nothing is called any more
    await this.#gateway.stop()
    await Promise.all(names.flatMap((service) => this.#running(service).map((it) => it.stop())))
  }

  /** The numbers of the processes, by service. */
  get processes(): Readonly<Record<string, readonly number[]>> {
    const running = names.map((service) => [service, this.#running(service).map(({ pid }) => pid)])
    return Object.fromEntries([['gateway', [this.#gateway.pid]], ...running])
  }

  #running(service: Service): readonly Program[] {
    return this.#programs.get(service) ?? []
  }

  /** Starts instances of a service, and waits until they are registered. */
  async #add(service: Service, count: number): Promise<void> {
    this.#assertOpen()
    await using watcher = this.#registry.watch(service)
    await watcher.next()
    const known = new Set(watcher.instances.map(({ id }) => id))
    const started = await Promise.all(Array.from({ length: count }, () => services[service]()))
    this.#programs.get(service)?.push(...started)
    if (this.#closed) await Promise.all(started.map((program) => program.stop()))
    this.#assertOpen()
    const isNew = (): number => watcher.instances.filter(({ id }) => !known.has(id)).length
    const signal = AbortSignal.timeout(30_000)
    while (isNew() < count) {
      await watcher.next({ signal })
      const ended = started.find(({ running }) => !running)
      if (ended !== undefined)
        throw new Error(`an instance of ${service} has ended; its output says why`)
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new Error('the shop is closed')
  }

  async #answering(path: string): Promise<void> {
    const deadline = Date.now() + 30_000
    for (;;) {
      const answer = await fetch(this.url + path).catch((error: Error) => error)
      if (answer instanceof Response && answer.ok) return void (await answer.text())
      if (!this.#gateway.running) throw new Error('the gateway has ended; its output says why')
      if (Date.now() > deadline)
        throw new Error(
          `${path} is not answered: ${answer instanceof Response ? `${answer.status} ${await answer.text()}` : String(answer.cause)}`,
        )
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
