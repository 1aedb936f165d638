import type { Picker } from '@sd/balancer'

const firstMs = 500
const longestMs = 10_000

/**
 * Excludes instances that cannot be connected to from picks: 0.5 s after the first failure, twice
 * as long after each further one, 10 s at most. In grpc-js the connection states do the same.
 */
export class FailedConnections {
  readonly #picker: Picker
  readonly #waits = new Map<string, { readonly ms: number; timer: NodeJS.Timeout | undefined }>()

  constructor(picker: Picker) {
    this.#picker = picker
  }

  failed(id: string): void {
    const before = this.#waits.get(id)
    // other calls waited for the same connection, which counts as one failure
    if (before?.timer !== undefined) return
    const ms = before === undefined ? firstMs : Math.min(before.ms * 2, longestMs)
    const timer = setTimeout(() => this.#resume(id), ms).unref()
    this.#waits.set(id, { ms, timer })
    this.#picker.suspend(id)
  }

  succeeded(id: string): void {
    if (this.#waits.has(id)) this.forget(id)
  }

  forget(id: string): void {
    this.#resume(id)
    this.#waits.delete(id)
  }

  /** Makes all instances available again. Returns whether any was excluded. */
  resumeAll(): boolean {
    let resumed = false
    for (const [id, { timer }] of this.#waits)
      if (timer !== undefined) {
        this.#resume(id)
        resumed = true
      }
    return resumed
  }

  close(): void {
    for (const { timer } of this.#waits.values()) clearTimeout(timer)
    this.#waits.clear()
  }

  #resume(id: string): void {
    const wait = this.#waits.get(id)
    clearTimeout(wait?.timer)
    if (wait !== undefined) wait.timer = undefined
    this.#picker.resume(id)
  }
}
