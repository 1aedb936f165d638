import type { ServiceInstance } from '@sd/core'

/** Which instances are candidates: those for which every named field holds. */
export interface InstanceFilter {
  /**
   * A range of versions as npm writes them, e.g. `^1.4` or `>=2 <3`: the instance's version is in it. A
   * version that is not a semantic one is in no range, and pre-releases only in a range that names
   * one of the same version.
   */
  readonly version?: string | undefined
  /** The instance has all of these tags. */
  readonly tags?: readonly string[] | undefined
  /** The instance has all of these pairs in its metadata. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** The instance is in this zone, or in one of these. */
  readonly zone?: string | readonly string[] | undefined
  /** Anything else. What it throws counts as `false`. */
  readonly predicate?: ((instance: ServiceInstance) => boolean) | undefined
}

/** A filter, or only its predicate. */
export type FilterOption = InstanceFilter | ((instance: ServiceInstance) => boolean)
