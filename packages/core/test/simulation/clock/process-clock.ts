import type { Clock, Timer } from '../../../src/runtime/clock.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** Errors of the wall clock, used one after the other. */
const steps = [0, 3_600_000, -3_600_000, 60_000, -1_000]

/**
 * The clock of one simulated process. It can be paused, as by SIGSTOP: what falls due meanwhile,
 * timers and messages alike, runs in order when it resumes. Counts the timers that are pending.
 */
export class ProcessClock implements Clock {
  readonly #clock: VirtualClock
  readonly #stepping: number
  readonly #backlog: (() => void)[] = []
  #pausedAtMs: number | undefined
  #pausedMs = 0
  #catchingUp = false
  #pending = 0

  /** With a number above 0 the wall clock steps, differently for each number. */
  constructor(clock: VirtualClock, stepping = 0) {
    this.#clock = clock
    this.#stepping = stepping
  }

  get pendingTimers(): number {
    return this.#pending
  }

  /** How long the process was paused in total. */
  get pausedMs(): number {
    return this.#pausedMs
  }

  nowMs(): number {
    if (this.#stepping === 0) return this.#clock.nowMs()
    const phase = Math.floor(this.monotonicMs() / (700 + 211 * this.#stepping))
    return this.#clock.nowMs() + (steps[(phase + this.#stepping) % steps.length] ?? 0)
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs()
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    let over = false
    const end = (): void => {
      if (over) return
      over = true
      this.#pending -= 1
    }
    this.#pending += 1
    const timer = this.#clock.setTimer(delayMs, () =>
      this.deliver(() => {
        if (over) return
        end()
        callback()
      }),
    )
    return {
      cancel: () => {
        end()
        timer.cancel()
      },
    }
  }

  /** Runs `callback` now, or when the process resumes. */
  deliver(callback: () => void): void {
    if (this.#pausedAtMs !== undefined || this.#catchingUp) this.#backlog.push(callback)
    else callback()
  }

  pause(): void {
    this.#pausedAtMs ??= this.monotonicMs()
  }

  resume(): void {
    if (this.#pausedAtMs === undefined) return
    this.#pausedMs += this.monotonicMs() - this.#pausedAtMs
    this.#pausedAtMs = undefined
    if (this.#catchingUp) return
    this.#catchingUp = true
    this.#catchUp()
  }

  /** Runs each callback in its own turn, as an event loop does. */
  #catchUp(): void {
    if (this.#pausedAtMs !== undefined || this.#backlog.length === 0) {
      this.#catchingUp = false
      return
    }
    this.#backlog.shift()?.()
    this.#clock.setTimer(0, () => this.#catchUp())
  }
}
