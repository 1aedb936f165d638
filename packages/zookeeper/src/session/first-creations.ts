import { abortable } from '@sd/core/driver'

/**
 * Lets the first creation below a node go before all others that begin meanwhile: if the node does not
 * exist, it alone finds out and creates it. Otherwise each of a thousand instances of a new service would.
 */
export class FirstCreations {
  readonly #known = new Set<string>()
  readonly #first = new Map<string, Promise<unknown>>()

  /** Runs `work`, which creates records below `parents`. */
  async run<T>(
    parents: readonly string[],
    signal: AbortSignal,
    work: () => Promise<T>,
  ): Promise<T> {
    for (;;) {
      const pending = parents.flatMap((parent) => this.#first.get(parent) ?? [])
      if (pending.length === 0) break
      await abortable(Promise.allSettled(pending), signal)
    }
    const unknown = parents.filter((parent) => !this.#known.has(parent))
    const working = work()
    if (unknown.length === 0) return working
    for (const parent of unknown) this.#first.set(parent, working)
    try {
      const result = await working
      for (const parent of unknown) this.#known.add(parent)
      return result
    } finally {
      for (const parent of unknown) this.#first.delete(parent)
    }
  }
}
