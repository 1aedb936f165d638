import type { Picker } from '@sd/balancer'

const firstPauseMs = 500
const longestPauseMs = 10_000

interface Refusal {
  pauseMs: number
  timer: NodeJS.Timeout | undefined
}

/**
 * Keeps instances that could not be reached out of picks: 500 ms, then twice as long each time, up
 * to 10 s, ± 20 %. The next request is the probe. An unreachable instance that is still registered
 * therefore costs few connection attempts, not one for each request. After gRPC's connection
 * backoff (grpc/doc/connection-backoff.md).
 */
export class Refusals {
  readonly #picker: Picker
  readonly #refusals = new Map<string, Refusal>()

  constructor(picker: Picker) {
    this.#picker = picker
  }

  /** Whether any instance is kept out or is due for a probe. */
  get any(): boolean {
    return this.#refusals.size > 0
  }

  /** A connection to the instance failed. */
  refused(id: string): void {
    const refusal = this.#refusals.get(id) ?? { pauseMs: firstPauseMs / 2, timer: undefined }
    // requests that fail there at the same time count as one refusal
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

  /** Resets an instance that was reached or has left. */
  forget(id: string): void {
    const refusal = this.#refusals.get(id)
    if (refusal === undefined) return
    clearTimeout(refusal.timer)
    this.#refusals.delete(id)
    if (refusal.timer !== undefined) this.#picker.resume(id)
  }

  /**
   * Makes all instances available again, for when there is no other. `false`: none was kept out.
   */
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
