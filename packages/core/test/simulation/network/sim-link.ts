import type { Observation } from '../../../src/driver/registry-driver.ts'
import { Channel } from '../../../src/runtime/channel.ts'
import type { ProcessClock } from '../clock/process-clock.ts'
import type { SeededRandom } from '../clock/seeded-random.ts'
import type { VirtualClock } from '../clock/virtual-clock.ts'
import { simError } from '../server/sim-error.ts'
import type { SimServer } from '../server/sim-server.ts'
import type { CallBudget } from './call-budget.ts'
import { goodLink, type LinkProfile, longestDelayMs } from './link-profile.ts'
import { type Attach, type LinkMode, SimStream, type StreamLink } from './sim-stream.ts'

/**
 * One process's connection to the server. Requests and replies are delayed, in order; they get
 * lost, or are held back by a partition and arrive after it. A call that is aborted rejects at
 * once, but its request still travels.
 */
export class SimLink implements StreamLink {
  profile: LinkProfile = goodLink
  readonly server: SimServer
  readonly #budget: CallBudget
  readonly #clock: VirtualClock
  readonly #process: ProcessClock
  readonly #random: SeededRandom
  readonly #calls = new Set<(error: Error) => void>()
  readonly #streams = new Set<SimStream>()
  #mode: LinkMode = 'up'
  #kept: (() => void)[] = []
  #lastArrivalMs = 0
  #lastReplyMs = 0
  #replyHook: { readonly operation: string; readonly run: () => Promise<void> } | undefined

  constructor(
    clock: VirtualClock,
    process: ProcessClock,
    server: SimServer,
    random: SeededRandom,
    budget: CallBudget,
  ) {
    this.#budget = budget
    this.#clock = clock
    this.#process = process
    this.server = server
    this.#random = random
  }

  get mode(): LinkMode {
    return this.#mode
  }

  call<T>(operation: string, work: () => T, signal: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (!this.#budget.spend(operation)) return
      if (signal.aborted) {
        reject(signal.reason as Error)
        return
      }
      let settled = false
      const settle = (act: () => void): void => {
        if (settled) return
        settled = true
        signal.removeEventListener('abort', abort)
        this.#calls.delete(fail)
        act()
      }
      const abort = (): void => settle(() => reject(signal.reason as Error))
      const fail = (error: Error): void => settle(() => reject(error))
      signal.addEventListener('abort', abort, { once: true })
      this.#calls.add(fail)
      this.send(
        operation,
        () => {
          const answer = this.#attempt(work, resolve, reject)
          this.#reply(() => {
            settle(answer)
            this.#replied(operation)
          })
        },
        fail,
      )
    })
  }

  open(operation: string, attach: Attach, signal: AbortSignal): AsyncIterable<Observation> {
    if (!this.#budget.spend(operation)) return new Channel<Observation>()
    const stream = new SimStream(this, operation, attach, signal, () => {
      this.#streams.delete(stream)
    })
    this.#streams.add(stream)
    return stream.channel
  }

  /** Runs `run` in the same turn in which the next reply to such a call arrives. */
  onNextReply(operation: string, run: () => Promise<void>): void {
    this.#replyHook = { operation, run }
  }

  /** Sends `apply` to the server; calls `fail` when the server cannot be reached. */
  send(operation: string, apply: () => void, fail: (error: Error) => void): void {
    const { server } = this
    const refuse = (): void =>
      void this.#clock.setTimer(1, () =>
        this.#process.deliver(() =>
          fail(simError('unavailable', operation, 'connection refused or reset')),
        ),
      )
    if (this.#mode === 'refused' || server.down) {
      refuse()
      return
    }
    const { lostRequests, stragglers } = this.profile
    if (this.#random.chance(lostRequests)) return
    const { incarnation } = server
    const straggles = this.#random.chance(stragglers)
    const arrive = (): void => {
      if (this.#mode !== 'up') this.#keep(arrive)
      else if (server.down) refuse()
      // a connection ends with its server, and its messages are lost
      else if (straggles || server.incarnation === incarnation) server.submit(apply)
    }
    const delayMs = this.#delayMs()
    if (straggles) {
      this.#clock.setTimer(this.#random.between(50, longestDelayMs), arrive)
      return
    }
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, this.#clock.monotonicMs() + delayMs)
    this.#clock.setTimer(this.#lastArrivalMs - this.#clock.monotonicMs(), arrive)
  }

  /** Delays one message to the client's machine; the streams keep their own order. */
  travel(notBeforeMs: number, arrive: () => void): number {
    const now = this.#clock.monotonicMs()
    const dueMs = Math.max(notBeforeMs, now + this.#delayMs())
    this.#clock.setTimer(dueMs - now, arrive)
    return dueMs
  }

  /** Delivers an arrived message to the process once it runs. */
  hand(arrive: () => void): void {
    this.#process.deliver(arrive)
  }

  partition(mode: 'silent' | 'refused'): void {
    this.#mode = mode
    if (mode === 'refused') this.reset()
  }

  heal(): void {
    this.#mode = 'up'
    const kept = this.#kept
    this.#kept = []
    for (const arrive of kept) this.#clock.setTimer(this.#random.between(1, longestDelayMs), arrive)
    // a silent stream either continues where it stopped, or fails
    for (const stream of this.#streams)
      if (this.#random.chance(0.5)) stream.flush()
      else stream.fail(simError('unavailable', 'watch', 'connection reset'))
  }

  /** Resets all connections. */
  reset(): void {
    const error = simError('unavailable', 'connection', 'connection reset')
    this.cutStreams()
    const calls = [...this.#calls]
    this.#calls.clear()
    for (const fail of calls) this.#process.deliver(() => fail(error))
  }

  cutStreams(): void {
    for (const stream of this.#streams) this.#process.deliver(stream.cut())
  }

  #replied(operation: string): void {
    const hook = this.#replyHook
    if (hook?.operation !== operation) return
    this.#replyHook = undefined
    void hook.run()
  }

  #reply(deliver: () => void): void {
    if (this.#random.chance(this.profile.lostReplies)) return
    const arrive = (): void => {
      if (this.#mode === 'up') this.#process.deliver(deliver)
      else this.#keep(arrive)
    }
    const now = this.#clock.monotonicMs()
    this.#lastReplyMs = Math.max(this.#lastReplyMs, now + this.#delayMs())
    this.#clock.setTimer(this.#lastReplyMs - now, arrive)
  }

  /** Half of the messages that a partition holds back arrive when it is over. */
  #keep(arrive: () => void): void {
    if (this.#random.chance(0.5)) this.#kept.push(arrive)
  }

  #attempt<T>(
    work: () => T,
    resolve: (value: T) => void,
    reject: (e: unknown) => void,
  ): () => void {
    try {
      const value = work()
      return () => resolve(value)
    } catch (error) {
      return () => reject(error)
    }
  }

  #delayMs(): number {
    return this.profile.minDelayMs + 1 + this.#random.below(this.profile.maxDelayMs)
  }
}
