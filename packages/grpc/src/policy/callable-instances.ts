import type { InstanceChange, ServiceInstance } from '@sd/core'
import { grpcAddress } from '../resolver/grpc-address.ts'
import { differences, type ServiceView } from '../resolver/service-view.ts'

/** The instances of a view that gRPC can call: those with an endpoint of a wanted scheme. */
export class CallableInstances {
  readonly #schemes: readonly string[]
  readonly #instances = new Map<string, ServiceInstance>()
  #view: ServiceView | undefined
  #version = -1

  constructor(schemes: readonly string[]) {
    this.#schemes = schemes
  }

  get size(): number {
    return this.#instances.size
  }

  /**
   * Reads the view's new changes and returns those for callable instances. The cost depends on the
   * changes, not on the size of the view.
   */
  follow(view: ServiceView): readonly InstanceChange[] {
    const changes = view === this.#view ? view.changesSince(this.#version) : undefined
    this.#view = view
    this.#version = view.version
    if (changes !== undefined) return changes.flatMap((change) => this.#take(change))
    const callable = [...view.instances].filter((one) => this.#isCallable(one))
    return differences(this.#instances, callable).flatMap((change) => this.#take(change))
  }

  #isCallable(instance: ServiceInstance): boolean {
    return grpcAddress(instance, this.#schemes) !== undefined
  }

  /** Converts a change: an instance that loses its endpoint is removed. */
  #take({ type, instance }: InstanceChange): readonly InstanceChange[] {
    const previous = this.#instances.get(instance.id)
    if (type !== 'removed' && this.#isCallable(instance)) {
      this.#instances.set(instance.id, instance)
      return previous === undefined
        ? [{ type: 'added', instance }]
        : [{ type: 'updated', instance, previous }]
    }
    if (previous === undefined) return []
    this.#instances.delete(instance.id)
    return [{ type: 'removed', instance: previous }]
  }
}
