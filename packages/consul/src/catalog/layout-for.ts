import type { WireFormat } from '@sd/core/driver'
import { defaultNamespace } from '../config.ts'
import { FleetLayout } from './fleet-layout.ts'
import { OwnLayout } from './own-layout.ts'
import type { ServiceLayout } from './service-layout.ts'

/** The layout of a format in a namespace. */
export const layoutFor = (format: WireFormat, given: string | undefined): ServiceLayout => {
  const namespace = given ?? format.defaultNamespace ?? defaultNamespace
  return format.carrier === 'consul-service' ? new FleetLayout(namespace) : new OwnLayout(namespace)
}
