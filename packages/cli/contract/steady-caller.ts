import { type Balancer, createBalancer } from '@sd/balancer'
import type { Registry } from '@sd/registry'
import { until } from '@sd/test-servers'
import { slackMs } from './support.ts'

const pauseMs = 5

/** Calls the service `orders` again and again, through the balancer of one registry at a time. */
export class SteadyCaller implements AsyncDisposable {
  /** The calls that failed. */
  readonly lost: string[] = []
  /** How often each instance has answered, by the text of its answer. */
  readonly answers = new Map<string, number>()
  #balancer: Balancer
  #running = true
  readonly #calls: Promise<void>

  constructor(registry: Registry) {
    this.#balancer = createBalancer(registry, { service: 'orders' })
    this.#calls = this.#callUntilClosed()
  }

  /** The ids that calls go to now. */
  get ids(): readonly string[] {
    return this.#balancer.instances.map(({ id }) => id).toSorted()
  }

  /** Picks from `registry` from now on, once its view has these ids. */
  async moveTo(registry: Registry, ids: readonly string[]): Promise<void> {
    const next = createBalancer(registry, { service: 'orders' })
    const found = (): string =>
      next.instances
        .map(({ id }) => id)
        .toSorted()
        .join()
    await until(`the new view has ${ids.join()}`, () => found() === ids.join(), slackMs)
    const before = this.#balancer
    this.#balancer = next
    before.close()
  }

  async #callUntilClosed(): Promise<void> {
    await this.#balancer.ready()
    while (this.#running) {
      try {
        const pick = this.#balancer.pick()
        const response = await fetch(pick.endpoint, { signal: AbortSignal.timeout(slackMs) })
        const answer = await response.text()
        pick.done()
        this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1)
      } catch (error) {
        this.lost.push(String(error))
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running = false
    await this.#calls
    this.#balancer.close()
  }
}
