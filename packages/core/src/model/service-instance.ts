/** The largest weight. */
export const maxWeight = 65_535
/** The weight of an instance that specifies none. */
export const defaultWeight = 100

/**
 * Whether an instance wants new calls. `passing`: it does. `draining`: it is about to leave, and
 * answers what still arrives. `failing`: its check fails.
 */
export type InstanceHealth = 'passing' | 'draining' | 'failing'

/** The healths that this version writes. */
export const instanceHealths: readonly InstanceHealth[] = ['passing', 'draining', 'failing']

/**
 * What a health means to this version: one that only a later version knows is not `passing`, so it
 * means `failing`.
 */
export const knownHealth = (health: string): InstanceHealth =>
  instanceHealths.find((known) => known === health) ?? 'failing'

/** One running copy of a service, as stored in every backend and returned to readers. */
export interface ServiceInstance {
  /** Name of the service, e.g. `orders`. Any non-empty well-formed Unicode string of at most 255 bytes. */
  readonly service: string
  /** Unique among the instances of its service. Same limits as `service`. */
  readonly id: string
  /** Absolute URLs with an explicit host, one for each protocol: `http://10.0.0.7:8080`. */
  readonly endpoints: readonly string[]
  /** Version of the software, free text. */
  readonly version?: string
  /** Failure domain, for balancers that prefer a near instance. */
  readonly zone?: string
  /** Share of traffic, 0…65535; 0 means drained. Default 100. */
  readonly weight: number
  /**
   * Whether it wants new calls. Default `passing`, also for records of versions that know no health.
   * A later version may write a health that this one does not know. It is kept as it is; see
   * `knownHealth`.
   */
  readonly health: InstanceHealth | (string & {})
  /** Arbitrary labels, without duplicates, in the given order. */
  readonly tags: readonly string[]
  /** Arbitrary pairs of strings. */
  readonly metadata: Readonly<Record<string, string>>
}

/** The argument of `register`: an instance. Only `service` and `endpoints` are required. */
export interface InstanceInput {
  readonly service: string
  readonly endpoints: readonly string[]
  /** Default: host name, process id and a random suffix. */
  readonly id?: string | undefined
  readonly version?: string | undefined
  readonly zone?: string | undefined
  readonly weight?: number | undefined
  /** Default `passing`. */
  readonly health?: InstanceHealth | undefined
  readonly tags?: readonly string[] | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/** The argument of `update`: its fields replace those of the instance; omitted fields stay. */
export interface InstancePatch {
  readonly endpoints?: readonly string[] | undefined
  /** An empty string removes the version. */
  readonly version?: string | undefined
  /** An empty string removes the zone. */
  readonly zone?: string | undefined
  readonly weight?: number | undefined
  readonly health?: InstanceHealth | undefined
  readonly tags?: readonly string[] | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/** The argument of `edit`: the fields that others than the owner may change; omitted fields stay. */
export interface InstanceEdit {
  readonly weight?: number | undefined
  readonly health?: InstanceHealth | undefined
  readonly tags?: readonly string[] | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

const sameList = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((item, index) => item === b[index])

const samePairs = (
  a: Readonly<Record<string, string>>,
  b: Readonly<Record<string, string>>,
): boolean => {
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && a[name] === b[name])
  )
}

/** Whether two instances are equal; a change between equal instances emits no event. */
export const sameInstance = (a: ServiceInstance, b: ServiceInstance): boolean =>
  a === b ||
  (a.service === b.service &&
    a.id === b.id &&
    a.version === b.version &&
    a.zone === b.zone &&
    a.weight === b.weight &&
    a.health === b.health &&
    sameList(a.endpoints, b.endpoints) &&
    sameList(a.tags, b.tags) &&
    samePairs(a.metadata, b.metadata))

/** Deep-freezes an instance, as many readers share it. Returns it. */
export const freezeInstance = (instance: ServiceInstance): ServiceInstance => {
  Object.freeze(instance.endpoints)
  Object.freeze(instance.tags)
  Object.freeze(instance.metadata)
  return Object.freeze(instance)
}

/** An estimate of the encoded size of an instance, in characters, with an overhead for each entry. */
export const weighInstance = (instance: ServiceInstance): number => {
  const { service, id, version = '', zone = '', endpoints, tags, metadata } = instance
  let weight = 120 + service.length + id.length + version.length + zone.length
  for (const text of endpoints) weight += 10 + text.length
  for (const text of tags) weight += 10 + text.length
  for (const [name, text] of Object.entries(metadata)) weight += 10 + name.length + text.length
  return weight
}
