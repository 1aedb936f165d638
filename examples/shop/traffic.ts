import { setTimeout } from 'node:timers/promises'

const kinds = [
  { method: 'GET', path: '/orders/pen' },
  { method: 'POST', path: '/orders/book' },
  { method: 'GET', path: '/' },
] as const

/** Requests through the gateway until it is stopped: without a pause, except after a failure. */
export class Traffic {
  readonly #url: string
  readonly #callers: readonly Promise<void>[]
  readonly #failed: string[] = []
  #answered = 0
  #stopping = false

  constructor(url: string) {
    this.#url = url
    this.#callers = kinds.map((kind) => this.#call(kind))
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
  }

  async #call({ method, path }: (typeof kinds)[number]): Promise<void> {
    const body = method === 'POST' ? 'one, please' : null
    while (!this.#stopping) {
      try {
        const response = await fetch(this.#url + path, { method, body })
        const text = await response.text()
        if (!response.ok) throw new Error(`${response.status} ${text}`)
        this.#answered += 1
      } catch (error) {
        this.#failed.push(`${method} ${path}: ${String(error)}`)
        await setTimeout(50)
      }
    }
  }
}
