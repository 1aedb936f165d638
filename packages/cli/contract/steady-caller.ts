import { until } from '@sd/test-servers'
import { slackMs } from './support.ts'

const pauseMs = 5

/** Where a call goes, and whom to tell when it has ended. */
export interface Target {
  readonly url: string
  readonly done?: () => void
}

/** Calls again and again, each time where `next` says. */
export class SteadyCaller implements AsyncDisposable {
  /** The calls that failed, or were not answered with 200. */
  readonly lost: string[] = []
  /** How often each service has answered, by the text of its answer. */
  readonly answers = new Map<string, number>()
  readonly #next: () => Target
  readonly #calls: Promise<void>
  #running = true
  #begun = 0
  #ended = 0

  constructor(next: () => Target) {
    this.#next = next
    this.#calls = this.#callUntilClosed()
  }

  /** Resolves once a call has ended that began after this moment. */
  async further(): Promise<void> {
    const begun = this.#begun
    await until('a further call ends', () => this.#ended > begun)
  }

  async #callUntilClosed(): Promise<void> {
    while (this.#running) {
      this.#begun++
      try {
        const { url, done } = this.#next()
        const response = await fetch(url, { signal: AbortSignal.timeout(slackMs) })
        const answer = await response.text()
        done?.()
        if (response.status === 200) this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1)
        else this.lost.push(`${response.status} ${answer}`)
      } catch (error) {
        this.lost.push(String(error))
      }
      this.#ended++
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running = false
    await this.#calls
  }
}
