import { Channel } from '../../../src/runtime/channel.ts'
import type { Observation } from '../../../src/driver/registry-driver.ts'
import { simError } from '../server/sim-error.ts'

/** `silent`: messages are dropped without an error. `refused`: connections break at once. */
export type LinkMode = 'up' | 'silent' | 'refused'

/**
 * Attaches at the server, which pushes from then on; returns a function that detaches. May throw.
 */
export type Attach = (push: (observation: Observation) => void) => () => void

/** What a stream needs of the link that it runs over. */
export interface StreamLink {
  readonly mode: LinkMode
  send(operation: string, apply: () => void, fail: (error: Error) => void): void
  /** Runs `arrive` after the delay of the link, not before `notBeforeMs`; returns that time. */
  travel(notBeforeMs: number, arrive: () => void): number
  /** Runs `work` as soon as the reader's process runs. */
  hand(work: () => void): void
}

/** One watch over a link: ordered, delayed, stalled by a silent partition, broken by a reset. */
export class SimStream {
  readonly channel: Channel<Observation>
  readonly #link: StreamLink
  readonly #signal: AbortSignal
  readonly #onEnd: () => void
  readonly #abort = (): void => this.fail(this.#signal.reason)
  #detach: (() => void) | undefined
  #stalled: Observation[] = []
  #lastDueMs = 0
  #cut = false
  #ended = false

  constructor(
    link: StreamLink,
    operation: string,
    attach: Attach,
    signal: AbortSignal,
    onEnd: () => void,
  ) {
    this.#link = link
    this.#signal = signal
    this.#onEnd = onEnd
    this.channel = new Channel(() => this.#end())
    if (signal.aborted) {
      this.fail(signal.reason)
      return
    }
    signal.addEventListener('abort', this.#abort, { once: true })
    link.send(
      operation,
      () => this.#attach(attach),
      (error) => this.fail(error),
    )
  }

  /** Breaks the stream: the reader gets the error after the items delivered before. */
  fail(error: unknown): void {
    this.channel.fail(error)
    this.#end()
  }

  /** Closes the connection on the server's side now, and on the reader's as soon as it runs. */
  cut(): () => void {
    this.#detach?.()
    this.#cut = true
    return () => this.fail(simError('unavailable', 'watch', 'the stream was cut'))
  }

  /** Ends the partition: the messages that it held back arrive in order. */
  flush(): void {
    const stalled = this.#stalled
    this.#stalled = []
    for (const observation of stalled) this.#link.hand(() => this.channel.push(observation))
  }

  #attach(attach: Attach): void {
    if (this.#ended || this.#cut) return
    try {
      this.#detach = attach((observation) => this.#send(observation))
    } catch (error) {
      this.#lastDueMs = this.#link.travel(this.#lastDueMs, () =>
        this.#link.hand(() => this.fail(error)),
      )
    }
  }

  #send(observation: Observation): void {
    if (this.#ended || this.#cut) return
    this.#lastDueMs = this.#link.travel(this.#lastDueMs, () => {
      if (this.#link.mode !== 'up' || this.#stalled.length > 0) this.#stalled.push(observation)
      else this.#link.hand(() => this.channel.push(observation))
    })
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#signal.removeEventListener('abort', this.#abort)
    this.#detach?.()
    this.#onEnd()
  }
}
