import type { InstanceChange, ServiceInstance } from '@sd/core'

/**
 * How many sets of changes are kept. When many instances join at once, sets arrive faster than they
 * are reported.
 */
const keptSets = 32

/** A resolver's view of its service: the instances, with a version for each set of changes. */
export class ServiceView {
  readonly #instances = new Map<string, ServiceInstance>()
  #version = 0
  /** The changes that led to the present version, the latest last. */
  #recent: (readonly InstanceChange[])[] = []

  /** Incremented with each set of changes. */
  get version(): number {
    return this.#version
  }
  get size(): number {
    return this.#instances.size
  }
  /** All present instances. */
  get instances(): IterableIterator<ServiceInstance> {
    return this.#instances.values()
  }

  /** The changes since `version`, in order; `undefined` if they are no longer kept. */
  changesSince(version: number): readonly InstanceChange[] | undefined {
    const behind = this.#version - version
    return behind > this.#recent.length ? undefined : this.#recent.slice(-behind || Infinity).flat()
  }

  /** Applies a watcher's changes. */
  apply(changes: readonly InstanceChange[]): void {
    if (changes.length === 0) return
    for (const { type, instance } of changes)
      if (type === 'removed') this.#instances.delete(instance.id)
      else this.#instances.set(instance.id, instance)
    this.#version += 1
    this.#recent.push(changes)
    if (this.#recent.length > keptSets) this.#recent.shift()
  }

  /** Replaces all instances. */
  replace(instances: readonly ServiceInstance[]): void {
    this.apply(differences(this.#instances, instances))
  }
}

/** The changes that lead from one set of instances to another. */
export const differences = (
  before: ReadonlyMap<string, ServiceInstance>,
  after: Iterable<ServiceInstance>,
): readonly InstanceChange[] => {
  const changes: InstanceChange[] = []
  const present = new Set<string>()
  for (const instance of after) {
    present.add(instance.id)
    const previous = before.get(instance.id)
    if (previous === undefined) changes.push({ type: 'added', instance })
    else if (previous !== instance) changes.push({ type: 'updated', instance, previous })
  }
  for (const instance of before.values())
    if (!present.has(instance.id)) changes.push({ type: 'removed', instance })
  return changes
}
