import { defaultWeight, type ServiceInstance } from '../model/service-instance.ts'
import { readWeight } from './document.ts'

type Entries = Readonly<Record<string, string>>

/** The entry of metadata under which the balancers of several fleets look for a weight. */
const weightKey = 'weight'

/** The entry for a weight; none for the default. */
export const weightEntry = (weight: number): Entries =>
  weight === defaultWeight ? {} : { [weightKey]: String(weight) }

/** The weight in the metadata of a fleet, or the default, and the metadata without it. */
export const takeWeight = (
  metadata: Entries,
): { readonly weight: number; readonly metadata: Entries } => {
  const weight = readWeight(metadata[weightKey])
  return weight === undefined
    ? { weight: defaultWeight, metadata }
    : { weight, metadata: withoutEntries(metadata, [weightKey]) }
}

/** Metadata without some of its entries. */
export const withoutEntries = (metadata: Entries, names: readonly string[]): Entries =>
  Object.fromEntries(Object.entries(metadata).filter(([name]) => !names.includes(name)))

/** Why metadata cannot be written by a format that writes `entries` into it itself. */
export const takenEntry = (
  { metadata }: Pick<ServiceInstance, 'metadata'>,
  entries: Entries,
): string | undefined => {
  const taken = Object.keys(entries).find((name) => Object.hasOwn(metadata, name))
  return taken === undefined
    ? undefined
    : `its metadata has the key "${taken}", which the format itself writes; remove it`
}
