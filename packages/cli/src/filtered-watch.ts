import type {
  AllWatcher,
  InstanceChange,
  ServiceInstance,
  Staleness,
  Watcher,
  WatchEvent,
} from '@sd/registry'

/** The state of a watch that a display reads. */
export interface Watched {
  readonly size: number
  readonly stale: Staleness | undefined
  readonly instances: readonly ServiceInstance[]
  readonly held: Watcher['held'] | AllWatcher['held']
}

/** A watch of the instances that match a filter. One that starts to match is `added`. */
export class FilteredWatch implements Watched, AsyncIterable<WatchEvent<InstanceChange>> {
  readonly #watcher: Watcher | AllWatcher
  readonly #passes: (instance: ServiceInstance) => boolean
  readonly #present = new Map<string, ServiceInstance>()

  constructor(watcher: Watcher | AllWatcher, passes: (instance: ServiceInstance) => boolean) {
    this.#watcher = watcher
    this.#passes = passes
  }

  get size(): number {
    return this.#present.size
  }
  get stale(): Staleness | undefined {
    return this.#watcher.stale
  }
  get instances(): readonly ServiceInstance[] {
    return [...this.#present.values()]
  }
  get held(): Watched['held'] {
    return this.#watcher.held.filter((held) =>
      typeof held === 'string'
        ? [...this.#present.values()].some(({ id }) => id === held)
        : this.#present.has(keyOf(held)),
    ) as Watched['held']
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchEvent<InstanceChange>, void, void> {
    for await (const event of this.#watcher) {
      if (event.type === 'stale') {
        yield event
        continue
      }
      const changes = event.changes.flatMap((change) => this.#filtered(change) ?? [])
      if (changes.length > 0 || event.type === 'sync') yield { type: event.type, changes }
    }
  }

  #filtered({ type, instance }: InstanceChange): InstanceChange | undefined {
    const key = keyOf(instance)
    const previous = this.#present.get(key)
    if (type === 'removed' || !this.#passes(instance)) {
      this.#present.delete(key)
      return previous && { type: 'removed', instance: previous }
    }
    this.#present.set(key, instance)
    return previous === undefined
      ? { type: 'added', instance }
      : { type: 'updated', instance, previous }
  }
}

const keyOf = ({ service, id }: { readonly service: string; readonly id: string }): string =>
  JSON.stringify([service, id])
