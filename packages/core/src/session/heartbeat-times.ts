import type { Clock } from '../runtime/clock.ts'

const [signOfLife, renewed] = [0, 1] as const

/**
 * Two times of one session that its event loop and its worker thread share: memory that both write
 * tells more than messages, which a blocked loop does not receive. Kept on the clock of the process,
 * as each thread's own has another origin.
 */
export class HeartbeatTimes {
  readonly #clock: Clock
  readonly #ns: BigInt64Array<SharedArrayBuffer>

  /** `buffer`: that of the other thread. */
  constructor(clock: Clock, buffer: SharedArrayBuffer = new SharedArrayBuffer(16)) {
    this.#clock = clock
    this.#ns = new BigInt64Array(buffer)
  }

  /** To be passed to the other thread. */
  get buffer(): SharedArrayBuffer {
    return this.#ns.buffer
  }

  /** When the event loop last renewed the session, or tried to. */
  get signOfLifeMs(): number {
    return this.#get(signOfLife)
  }

  /** When the last acknowledged renewal was sent, by either thread. */
  get renewedMs(): number {
    return this.#get(renewed)
  }

  /** The event loop runs. */
  live(): void {
    this.#advance(signOfLife, this.#clock.monotonicMs())
  }

  /** A renewal that was sent at `sentMs` is acknowledged. */
  renewed(sentMs: number): void {
    this.#advance(renewed, sentMs)
  }

  #get(index: number): number {
    const agoNs = process.hrtime.bigint() - Atomics.load(this.#ns, index)
    return this.#clock.monotonicMs() - Number(agoNs) / 1e6
  }

  /** Never moves a time back: the answer to an earlier renewal may arrive last. */
  #advance(index: number, timeMs: number): void {
    const agoNs = BigInt(Math.round((this.#clock.monotonicMs() - timeMs) * 1e6))
    const ns = process.hrtime.bigint() - agoNs
    for (;;) {
      const before = Atomics.load(this.#ns, index)
      if (ns <= before || Atomics.compareExchange(this.#ns, index, before, ns) === before) return
    }
  }
}
