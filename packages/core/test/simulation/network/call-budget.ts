import type { VirtualClock } from '../clock/virtual-clock.ts'

/**
 * How many calls of each kind a process may make in a virtual second: about twice the maximum of
 * 2,500 seeds.
 */
const perSecond: Readonly<Record<string, number>> = {
  'open-session': 30,
  'close-session': 30,
  watch: 50,
  put: 90,
  renew: 90,
}
const perSecondOfOthers = 40

/**
 * After so many calls in a second no call is answered any more, so that a loop without a pause
 * ends.
 */
const spinning = 2_000

/** Counts the calls of one process, to detect repetition without a pause. */
export class CallBudget {
  readonly #clock: VirtualClock
  readonly #exceeded: (text: string) => void
  readonly #counts = new Map<string, number>()
  #second = 0

  /** Calls `exceeded` once for each kind of call and second. */
  constructor(clock: VirtualClock, exceeded: (text: string) => void) {
    this.#clock = clock
    this.#exceeded = exceeded
  }

  /** Counts one call; `false` when it must not be answered. */
  spend(operation: string): boolean {
    const second = Math.floor(this.#clock.monotonicMs() / 1_000)
    if (second !== this.#second) this.#counts.clear()
    this.#second = second
    const count = (this.#counts.get(operation) ?? 0) + 1
    this.#counts.set(operation, count)
    const most = perSecond[operation] ?? perSecondOfOthers
    if (count === most + 1)
      this.#exceeded(`made more than ${most} calls of ${operation} in a second`)
    return count < spinning
  }
}
