import type { Clock, InstanceChange, ServiceInstance } from '@sd/core'
import type { Chance } from '@sd/balancer'

/** An instance of `orders`. */
export const instance = (id: string, fields: Partial<ServiceInstance> = {}): ServiceInstance => ({
  service: 'orders',
  id,
  endpoints: [`http://${id}:8080`],
  weight: 100,
  health: 'passing',
  tags: [],
  metadata: {},
  ...fields,
})

/** `count` instances, i0, i1, … */
export const instances = (
  count: number,
  fields: (index: number) => Partial<ServiceInstance> = () => ({}),
): readonly ServiceInstance[] =>
  Array.from({ length: count }, (_, index) => instance(`i${index}`, fields(index)))

/** Changes that add them. */
export const added = (...present: readonly ServiceInstance[]): readonly InstanceChange[] =>
  present.map((one) => ({ type: 'added', instance: one }))

/** Changes that remove them. */
export const removed = (...gone: readonly ServiceInstance[]): readonly InstanceChange[] =>
  gone.map((one) => ({ type: 'removed', instance: one }))

/** A change that updates one. */
export const updated = (
  previous: ServiceInstance,
  fields: Partial<ServiceInstance>,
): readonly InstanceChange[] => [
  { type: 'updated', previous, instance: { ...previous, ...fields } },
]

/** mulberry32: the same numbers for the same seed. */
export const seeded = (seed: number): Chance => {
  let state = seed | 0
  return {
    next: () => {
      state = (state + 0x6d2b79f5) | 0
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
    },
  }
}

/** A clock that moves only when the test advances it. */
export class ManualClock implements Clock {
  readonly #timers = new Set<{ readonly atMs: number; readonly callback: () => void }>()
  #elapsedMs = 0

  nowMs(): number {
    return 1_000_000 + this.#elapsedMs
  }

  monotonicMs(): number {
    return this.#elapsedMs
  }

  setTimer(delayMs: number, callback: () => void): { cancel: () => void } {
    const timer = { atMs: this.#elapsedMs + delayMs, callback }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.size
  }

  /** Advances, timer by timer. */
  advance(byMs: number): void {
    const untilMs = this.#elapsedMs + byMs
    for (;;) {
      const [next] = [...this.#timers]
        .filter(({ atMs }) => atMs <= untilMs)
        .toSorted((a, b) => a.atMs - b.atMs)
      if (next === undefined) break
      this.#timers.delete(next)
      this.#elapsedMs = Math.max(this.#elapsedMs, next.atMs)
      next.callback()
    }
    this.#elapsedMs = untilMs
  }
}

/** How often each id is picked; each call ends at once. */
export const tally = (
  pick: () => { readonly instance: ServiceInstance; done(): void },
  times: number,
): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {}
  for (let index = 0; index < times; index += 1) {
    const picked = pick()
    counts[picked.instance.id] = (counts[picked.instance.id] ?? 0) + 1
    picked.done()
  }
  return counts
}
