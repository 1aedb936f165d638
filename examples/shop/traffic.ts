import { setTimeout } from 'node:timers/promises'
import { createPricesClient, type PricesClient } from './prices-protocol.ts'

const requests = [
  { method: 'GET', path: '/orders/pen' },
  { method: 'POST', path: '/orders/book' },
  { method: 'GET', path: '/' },
] as const

/** Requests through the gateway until it is stopped, with a short pause between two of a caller. */
export class Traffic {
  readonly #url: string
  readonly #prices: PricesClient
  readonly #callers: readonly Promise<void>[]
  readonly #failed: string[] = []
  #answered = 0
  #stopping = false

  constructor(url: string) {
    this.#url = url
    this.#prices = createPricesClient(new URL(url).host)
    this.#callers = [
      ...requests.map((request) =>
        this.#repeat(`${request.method} ${request.path}`, () => this.#send(request)),
      ),
      this.#repeat('gRPC shop.Prices', () => this.#prices.priceOf('pen')),
    ]
  }

  get answered(): number {
    return this.#answered
  }

  /** What went wrong, one line for each failed request. */
  get failed(): readonly string[] {
    return this.#failed
  }

  /** Lets the requests under way end. */
  async stop(): Promise<void> {
    this.#stopping = true
    await Promise.all(this.#callers)
    this.#prices.close()
  }

  async #repeat(name: string, call: () => Promise<unknown>): Promise<void> {
    while (!this.#stopping) {
      try {
        await call()
        this.#answered += 1
      } catch (error) {
        this.#failed.push(`${name}: ${String(error)}`)
        await setTimeout(50)
      }
      await setTimeout(25)
    }
  }

  async #send({ method, path }: (typeof requests)[number]): Promise<void> {
    const body = method === 'POST' ? 'one, please' : null
    const response = await fetch(this.#url + path, { method, body })
    const text = await response.text()
    if (!response.ok) throw new Error(`${response.status} ${text}`)
  }
}
