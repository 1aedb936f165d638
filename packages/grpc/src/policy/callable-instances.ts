import type { InstanceChange, ServiceInstance } from '@sd/core'
import { grpcAddress } from '../resolver/grpc-address.ts'
import { differences, type ServiceView } from '../resolver/service-view.ts'

/** The part of a view that gRPC can call: instances with an endpoint of a wanted scheme. */
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

  /** Catches up with the view; returns what has changed. Costs the changes, not the size of the view. */
  follow(view: ServiceView): readonly InstanceChange[] {
    const changes = view === this.#view ? view.changesSince(this.#version) : undefined
    this.#view = view
    this.#version = view.version
    const own =
      changes === undefined
        ? differences(
            this.#instances,
            [...view.instances].filter((one) => this.#isCallable(one)),
          )
        : changes.flatMap((change) => this.#own(change))
    for (const { type, instance } of own)
      if (type === 'removed') this.#instances.delete(instance.id)
      else this.#instances.set(instance.id, instance)
    return own
  }

  #isCallable(instance: ServiceInstance): boolean {
    return grpcAddress(instance, this.#schemes) !== undefined
  }

  /** A change as it looks from here: an instance that loses its endpoint leaves. */
  #own({ type, instance }: InstanceChange): readonly InstanceChange[] {
    const previous = this.#instances.get(instance.id)
    if (type !== 'removed' && this.#isCallable(instance))
      return previous === undefined
        ? [{ type: 'added', instance }]
        : [{ type: 'updated', instance, previous }]
    return previous === undefined ? [] : [{ type: 'removed', instance: previous }]
  }
}
