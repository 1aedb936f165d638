import type { Picker } from '@sd/balancer'

const firstPauseMs = 500
const longestPauseMs = 10_000

interface Refusal {
  pauseMs: number
  timer: NodeJS.Timeout | undefined
}

/**
 * Instances that could not be reached rest before they are picked again: 500 ms, then twice as long
 * each time, up to 10 s, ± 20 %; the next request is the probe. So a dead instance that is still
 * registered costs a connection attempt now and then, not one for each request. The same idea as
 * gRPC's connection backoff (grpc/doc/connection-backoff.md).
 */
export class Refusals {
  readonly #picker: Picker
  readonly #refusals = new Map<string, Refusal>()

  constructor(picker: Picker) {
    this.#picker = picker
  }

  /** Whether any instance rests or is about to be probed. */
  get any(): boolean {
    return this.#refusals.size > 0
  }

  /** A connection to the instance failed. */
  refused(id: string): void {
    const refusal = this.#refusals.get(id) ?? { pauseMs: firstPauseMs / 2, timer: undefined }
    // requests that went there at the same time fail together: that is one refusal
    if (refusal.timer !== undefined) return
    refusal.pauseMs = Math.min(longestPauseMs, refusal.pauseMs * 2)
    refusal.timer = setTimeout(
      () => {
        refusal.timer = undefined
        this.#picker.resume(id)
      },
      refusal.pauseMs * (0.8 + Math.random() * 0.4),
    ).unref()
    this.#refusals.set(id, refusal)
    this.#picker.suspend(id)
  }

  /** The instance was reached, or has left. */
  forget(id: string): void {
    const refusal = this.#refusals.get(id)
    if (refusal === undefined) return
    clearTimeout(refusal.timer)
    this.#refusals.delete(id)
    if (refusal.timer !== undefined) this.#picker.resume(id)
  }

  /** Lets all be picked again: rather an instance that may refuse than none. `false`: none rests. */
  resumeAll(): boolean {
    let resumed = false
    for (const [id, refusal] of this.#refusals) {
      if (refusal.timer === undefined) continue
      clearTimeout(refusal.timer)
      refusal.timer = undefined
      this.#picker.resume(id)
      resumed = true
    }
    return resumed
  }

  close(): void {
    for (const { timer } of this.#refusals.values()) clearTimeout(timer)
    this.#refusals.clear()
  }
}
