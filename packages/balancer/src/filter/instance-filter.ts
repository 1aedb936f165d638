import type { ServiceInstance } from '@sd/core'

/** Which instances are candidates: those for which every given field holds. */
export interface InstanceFilter {
  /**
   * A range of versions as npm writes them, e.g. `^1.4` or `>=2 <3`, that includes the instance's
   * version. A version that is not semantic is in no range. A pre-release is only in a range that
   * names a pre-release of the same version.
   */
  readonly version?: string | undefined
  /** The instance has all of these tags. */
  readonly tags?: readonly string[] | undefined
  /** The instance has all of these pairs in its metadata. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** The instance is in this zone, or in one of these zones. */
  readonly zone?: string | readonly string[] | undefined
  /** Any other condition. If it throws, it counts as `false`. */
  readonly predicate?: ((instance: ServiceInstance) => boolean) | undefined
}

/** A filter, or only its predicate. */
export type FilterOption = InstanceFilter | ((instance: ServiceInstance) => boolean)
