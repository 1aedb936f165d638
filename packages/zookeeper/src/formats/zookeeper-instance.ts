import {
  isJsonObject,
  readPairs,
  type ServiceInstance,
  takenEntry,
  withoutEntries,
} from '@sd/core/driver'
import type { CuratorFleet } from './curator-document.ts'

type Entries = Readonly<Record<string, string>>

/** The metadata in the payload. @throws Malformed */
export const metadataInPayload = (payload: unknown): Entries =>
  isJsonObject(payload) ? readPairs(payload, 'metadata') : {}

/**
 * The payload of Spring and Dubbo: a class `ZookeeperInstance` of their own, with free-form metadata in
 * which they keep `entriesOf` an instance themselves.
 */
export const zookeeperInstance = (
  className: string,
  entriesOf: (instance: ServiceInstance) => Entries,
): Pick<CuratorFleet, 'payloadOf' | 'metadataIn' | 'refusal'> => ({
  payloadOf: (instance) => ({
    '@class': className,
    id: instance.id,
    name: instance.service,
    metadata: { ...instance.metadata, ...entriesOf(instance) },
  }),
  metadataIn: (payload, instance) =>
    withoutEntries(metadataInPayload(payload), Object.keys(entriesOf(instance))),
  refusal: (instance) => takenEntry(instance, entriesOf(instance)),
})
