import {
  defaultWeight,
  isJsonObject,
  readPairs,
  readWeight,
  type ServiceInstance,
} from '@sd/core/driver'
import type { CuratorFleet } from './curator-document.ts'

type Entries = Readonly<Record<string, string>>

/** The entry under which the balancers of these fleets look for a weight. */
export const weightKey = 'weight'

/** The entry for a weight; none for the default. */
export const weightEntry = (weight: number): Entries =>
  weight === defaultWeight ? {} : { [weightKey]: String(weight) }

/** The weight in metadata, or the default. */
export const weightIn = (metadata: Entries): number =>
  readWeight(metadata[weightKey]) ?? defaultWeight

/** The metadata in the payload. @throws Malformed */
export const metadataInPayload = (payload: unknown): Entries =>
  isJsonObject(payload) ? readPairs(payload, 'metadata') : {}

/** Metadata without some of its entries. */
export const withoutEntries = (metadata: Entries, names: readonly string[]): Entries =>
  Object.fromEntries(Object.entries(metadata).filter(([name]) => !names.includes(name)))

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
  refusal: (instance) => {
    const taken = Object.keys(entriesOf(instance)).find((key) =>
      Object.hasOwn(instance.metadata, key),
    )
    return taken === undefined
      ? undefined
      : `its metadata has the key "${taken}", which the format itself writes; remove it`
  },
})
