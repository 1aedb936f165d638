import type { InstanceChange, ServiceInstance } from '@sd/core'

/**
 * Collects how a set of instances changes while changes are applied one by one: only what each id
 * was at first and is at the end counts.
 */
export class NetChanges {
  readonly #before = new Map<string, ServiceInstance | undefined>()

  /** `id` is about to change from `present`; `undefined`: it is not in the set. */
  touch(id: string, present: ServiceInstance | undefined): void {
    if (!this.#before.has(id)) this.#before.set(id, present)
  }

  /** The difference to what `now` says each touched id is. */
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
