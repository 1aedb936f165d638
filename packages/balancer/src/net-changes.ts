import type { InstanceChange, ServiceInstance } from '@sd/core'

/**
 * Collects the net changes to a set of instances while changes are applied one by one. Only the
 * first and last state of each id count.
 */
export class NetChanges {
  readonly #before = new Map<string, ServiceInstance | undefined>()

  /** Records that `id` is about to change from `present`; `undefined` if it is not in the set. */
  touch(id: string, present: ServiceInstance | undefined): void {
    if (!this.#before.has(id)) this.#before.set(id, present)
  }

  /** Returns the net changes; `now` returns the present state of an id. */
  changes(now: (id: string) => ServiceInstance | undefined): readonly InstanceChange[] {
    const changes: InstanceChange[] = []
    for (const [id, previous] of this.#before) {
      const instance = now(id)
      if (instance === previous) continue
      if (previous === undefined) {
        if (instance !== undefined) changes.push({ type: 'added', instance })
      } else if (instance === undefined) changes.push({ type: 'removed', instance: previous })
      else changes.push({ type: 'updated', instance, previous })
    }
    return changes
  }
}
