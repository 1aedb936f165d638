import type { Clock, Timer } from '../../../src/runtime/clock.ts'

interface Entry {
  readonly dueMs: number
  readonly sequence: number
  callback: (() => void) | undefined
}

const before = (a: Entry, b: Entry): boolean =>
  a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.sequence < b.sequence)

/** Far above what a run needs: a loop without a pause fails instead of running for ever. */
const mostTimers = 100_000

/** Settles every promise that can settle: the microtask queue is empty afterwards. */
export const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/**
 * A clock that jumps from timer to timer. Timers due at the same time fire in the order they were
 * set.
 */
export class VirtualClock implements Clock {
  /** A binary heap; cancelled timers stay in it, without their callback, until they come up. */
  readonly #heap: Entry[] = []
  #sequence = 0
  #nowMs = 0
  #fired = 0

  nowMs(): number {
    return 1_700_000_000_000 + Math.floor(this.#nowMs)
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const dueMs = this.#nowMs + Math.max(0, delayMs)
    const entry: Entry = { dueMs, sequence: this.#sequence, callback }
    this.#sequence += 1
    this.#push(entry)
    return {
      cancel: () => {
        entry.callback = undefined
      },
    }
  }

  /** Fires every timer due until `endMs`, and settles promises after each. */
  async runUntil(endMs: number): Promise<void> {
    await drain()
    for (;;) {
      const next = this.#heap[0]
      if (next === undefined || next.dueMs > endMs) break
      this.#pop()
      if (next.callback === undefined) continue
      this.#nowMs = next.dueMs
      this.#fired += 1
      if (this.#fired > mostTimers)
        throw new Error(`${mostTimers} timers fired: a loop runs without a pause`)
      next.callback()
      await drain()
    }
    this.#nowMs = endMs
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let index = heap.length
    heap.push(entry)
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!before(entry, heap[parent] as Entry)) break
      heap[index] = heap[parent] as Entry
      index = parent
    }
    heap[index] = entry
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1] as Entry, heap[child] as Entry))
        child += 1
      if (!before(heap[child] as Entry, last)) break
      heap[index] = heap[child] as Entry
      index = child
    }
    heap[index] = last
  }
}
