/** The largest weight. */
export const maxWeight = 65_535
/** The weight of an instance that names none. */
export const defaultWeight = 100

/** One running copy of a service, as every backend stores it and every reader sees it. */
export interface ServiceInstance {
  /** Name of the service, e.g. `orders`. Any non-empty well-formed Unicode string of at most 255 bytes. */
  readonly service: string
  /** Unique among the instances of its service. Same limits as `service`. */
  readonly id: string
  /** Absolute URLs with an explicit host, one for each protocol spoken: `http://10.0.0.7:8080`. */
  readonly endpoints: readonly string[]
  /** Version of the software, free text. */
  readonly version?: string
  /** Failure domain, for pickers that prefer a near instance. */
  readonly zone?: string
  /** Share of traffic, 0…65535; 0 means drained. Default 100. */
  readonly weight: number
  /** Free labels, each once, in the order given. */
  readonly tags: readonly string[]
  /** Free string pairs. */
  readonly metadata: Readonly<Record<string, string>>
}

/** What `register` takes: an instance of which only `service` and `endpoints` are required. */
export interface InstanceInput {
  readonly service: string
  readonly endpoints: readonly string[]
  /** Left out: host name, process id and a random suffix. */
  readonly id?: string | undefined
  readonly version?: string | undefined
  readonly zone?: string | undefined
  readonly weight?: number | undefined
  readonly tags?: readonly string[] | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/** What `update` takes: the named fields replace those of the registered instance; a field left out stays. */
export interface InstancePatch {
  readonly endpoints?: readonly string[] | undefined
  /** An empty string removes the version. */
  readonly version?: string | undefined
  /** An empty string removes the zone. */
  readonly zone?: string | undefined
  readonly weight?: number | undefined
  readonly tags?: readonly string[] | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/** What `edit` takes: what others than the owner may change. A field left out stays. */
export interface InstanceEdit {
  readonly weight?: number | undefined
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

/** Whether two instances say the same thing: then a change from one to the other is no event. */
export const sameInstance = (a: ServiceInstance, b: ServiceInstance): boolean =>
  a === b ||
  (a.service === b.service &&
    a.id === b.id &&
    a.version === b.version &&
    a.zone === b.zone &&
    a.weight === b.weight &&
    sameList(a.endpoints, b.endpoints) &&
    sameList(a.tags, b.tags) &&
    samePairs(a.metadata, b.metadata))

/** Makes an instance, all of it, immutable: it is handed to many readers. Returns it. */
export const freezeInstance = (instance: ServiceInstance): ServiceInstance => {
  Object.freeze(instance.endpoints)
  Object.freeze(instance.tags)
  Object.freeze(instance.metadata)
  return Object.freeze(instance)
}

/** Roughly how much there is to write of an instance, in characters, with some for each entry. */
export const weighInstance = (instance: ServiceInstance): number => {
  const { service, id, version = '', zone = '', endpoints, tags, metadata } = instance
  let weight = 100 + service.length + id.length + version.length + zone.length
  for (const text of endpoints) weight += 10 + text.length
  for (const text of tags) weight += 10 + text.length
  for (const [name, text] of Object.entries(metadata)) weight += 10 + name.length + text.length
  return weight
}
