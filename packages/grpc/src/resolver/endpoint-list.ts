import type { experimental } from '@grpc/grpc-js'
import { createPicker, type Picker } from '@sd/balancer'
import { CallableInstances } from '../policy/callable-instances.ts'
import type { PolicySettings } from '../policy/service-update.ts'
import { grpcAddress } from './grpc-address.ts'
import type { ServiceView } from './service-view.ts'

/** The instances as plain endpoints, for a channel whose service config names another policy. */
export class EndpointList {
  readonly #schemes: readonly string[]
  readonly #callable: CallableInstances
  /** Removes instances that are filtered out, drained or not passing; the other policy picks. */
  readonly #picker: Picker

  constructor(settings: PolicySettings) {
    this.#schemes = settings.schemes
    this.#callable = new CallableInstances(settings.schemes)
    const { service, filter, subset, panicPercent } = settings.picker
    this.#picker = createPicker({ service, filter, subset, panicPercent })
  }

  follow(view: ServiceView): experimental.Endpoint[] {
    this.#picker.apply(this.#callable.follow(view))
    return this.#picker.available.flatMap((instance) => {
      const address = grpcAddress(instance, this.#schemes)
      return address === undefined
        ? []
        : [{ addresses: [{ host: address.host, port: address.port }] }]
    })
  }
}
