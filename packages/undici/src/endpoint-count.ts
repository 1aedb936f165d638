import type { InstanceChange } from '@sd/core'

/**
 * Counts the instances with each endpoint. A replacement may appear at its predecessor's address
 * before the predecessor leaves; it then keeps the connections.
 */
export class EndpointCount {
  readonly #counts = new Map<string, number>()

  has(endpoint: string): boolean {
    return this.#counts.has(endpoint)
  }

  /** Applies changes. Calls `left` for each endpoint that no instance has any more. */
  apply(changes: readonly InstanceChange[], left: (endpoint: string) => void): void {
    for (const { type, instance } of changes)
      if (type !== 'removed')
        for (const endpoint of instance.endpoints)
          this.#counts.set(endpoint, (this.#counts.get(endpoint) ?? 0) + 1)
    for (const change of changes) {
      if (change.type === 'added') continue
      const before = change.type === 'updated' ? change.previous : change.instance
      for (const endpoint of before.endpoints) {
        const count = (this.#counts.get(endpoint) ?? 0) - 1
        if (count > 0) this.#counts.set(endpoint, count)
        else {
          this.#counts.delete(endpoint)
          left(endpoint)
        }
      }
    }
  }
}
