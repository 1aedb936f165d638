import {
  bareHost,
  decodeByName,
  decodeExtras,
  defaultWeight,
  type EndpointAddress,
  encodeExtras,
  isJsonObject,
  keysByName,
  Malformed,
  noAddress,
  parseObject,
  preferredAddress,
  readNatural,
  readPairs,
  readString,
  readStrings,
  readText,
  type ServiceInstance,
  takenEntry,
  type WireFormat,
  withoutEntries,
} from '@sd/core/driver'
import { isPlainName } from '../keys.ts'

type Entries = Readonly<Record<string, string>>

/** An address under a name of its own. */
interface TaggedAddress {
  readonly Address: string
  readonly Port: number
}

/** The fields of a service that fleets use, without its names. */
interface ServiceFields {
  readonly tags: readonly string[]
  readonly metadata: Entries
  /** IPv6 without brackets. */
  readonly address: string
  /** 0: none. */
  readonly port: number
  readonly taggedAddresses: Readonly<Record<string, TaggedAddress>>
}

/** What {@link serviceDocument} leaves to each of its users. */
export interface ConsulFleet {
  readonly name: string
  readonly tagsOf: (instance: ServiceInstance) => readonly string[]
  /** What the format writes into the metadata itself. */
  readonly entriesOf: (instance: ServiceInstance, address: EndpointAddress) => Entries
  /** The schemes whose endpoints may be the address of the service, the preferred one first. */
  readonly schemes: readonly string[]
  readonly taggedAddresses: (
    endpoints: readonly string[],
  ) => Readonly<Record<string, TaggedAddress>>
  /** What a record of the fleet itself says. @throws Malformed */
  readonly foreign: (
    fields: ServiceFields,
  ) => Pick<ServiceInstance, 'endpoints' | 'metadata' | 'tags'> & Partial<ServiceInstance>
  /** Why the fleet has no room for an instance. */
  readonly refusal?: (instance: ServiceInstance) => string | undefined
}

// what Consul accepts as Meta: 64 pairs, keys of these characters, and no reserved prefix
const metaKey = /^(?!consul-)[A-Za-z0-9_-]{1,128}$/i
const maxMetaBytes = 512
/** The other pairs are for the entries of formats. */
const maxMetaPairs = 60

/** The metadata that Consul accepts, and the rest. */
const divide = (metadata: Entries): { readonly fits: Entries; readonly rest: Entries } => {
  const entries = Object.entries(metadata)
  const fits = entries
    .filter(([key, value]) => metaKey.test(key) && Buffer.byteLength(value) <= maxMetaBytes)
    .slice(0, maxMetaPairs)
  const kept = fits.map(([key]) => key)
  return { fits: Object.fromEntries(fits), rest: withoutEntries(metadata, kept) }
}

const nameRefusal = (format: string, { service }: ServiceInstance): string | undefined =>
  isPlainName(service)
    ? undefined
    : `its service is ${JSON.stringify(service)}, and the format "${format}" uses names in Consul as they are; expected letters, digits, . _ ~ and -, and not "consul", the service of Consul's servers`

/** The agent adds these addresses to a service with an address. */
export const addedByAgent: RegExp = /^(?:lan|wan)_ipv[46]$/

const readAddresses = (value: unknown): Readonly<Record<string, TaggedAddress>> => {
  if (value === undefined || value === null) return {}
  if (!isJsonObject(value)) throw new Malformed('"TaggedAddresses" is not an object')
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !addedByAgent.test(name))
      .map(([name, given]) => {
        if (!isJsonObject(given))
          throw new Malformed('"TaggedAddresses" has an entry that is not an object')
        const [Address = '', Port = 0] = [readString(given, 'Address'), readNatural(given, 'Port')]
        return [name, { Address, Port }]
      }),
  )
}

/**
 * Records that are the fields of a service of a Consul agent: `Tags`, `Meta`, `Address`, `Port`,
 * `TaggedAddresses`. What they have no room for is one string in the notes of the check of `@sd`, which
 * no reader of a fleet looks at; also metadata that Consul refuses. A record without such notes is one
 * of the fleet itself.
 */
export const serviceDocument = (fleet: ConsulFleet): WireFormat => {
  const { key, prefix } = keysByName(fleet.name)
  const serviceOf = (text: string): string | undefined => {
    const slash = text.indexOf('/')
    return slash > 0 && slash < text.length - 1 ? text.slice(0, slash) : undefined
  }
  const entriesOf = (instance: ServiceInstance): Entries => {
    const address = preferredAddress(instance.endpoints, fleet.schemes)
    return address ? fleet.entriesOf(instance, address) : {}
  }
  return {
    name: fleet.name,
    lacks: [],
    foreignWriters: true,
    carrier: 'consul-service',
    // a name of a service is the whole name
    defaultNamespace: '',
    key,
    prefix,
    // an id may be any text
    serviceOf,
    refusal: (instance) =>
      nameRefusal(fleet.name, instance) ??
      noAddress(instance) ??
      takenEntry(instance, entriesOf(instance)) ??
      fleet.refusal?.(instance),
    encode: (request) => {
      const { instance } = request
      const address = preferredAddress(instance.endpoints, fleet.schemes)
      const { fits, rest } = divide(instance.metadata)
      return Buffer.from(
        JSON.stringify({
          Tags: fleet.tagsOf(instance),
          Meta: { ...fits, ...entriesOf(instance) },
          Port: address?.port,
          Address: address && bareHost(address.host),
          TaggedAddresses: fleet.taggedAddresses(instance.endpoints),
          Notes: encodeExtras(request, Object.keys(rest).length === 0 ? undefined : rest),
        }),
      )
    },
    decode: decodeByName(serviceOf, (service, id, value) => {
      const document = parseObject(readText(value))
      const metadata = readPairs(document, 'Meta')
      const notes = readString(document, 'Notes')
      if (notes !== undefined) {
        const record = decodeExtras(notes, service, id, metadata)
        const { instance } = record
        const own = withoutEntries(instance.metadata, Object.keys(entriesOf(instance)))
        return { ...record, instance: { ...instance, metadata: own } }
      }
      const fields = {
        metadata,
        tags: readStrings(document, 'Tags'),
        address: readString(document, 'Address') ?? '',
        port: readNatural(document, 'Port', 65_535) ?? 0,
        taggedAddresses: readAddresses(document['TaggedAddresses']),
      }
      return {
        instance: {
          service,
          id,
          weight: defaultWeight,
          health: 'passing',
          ...fleet.foreign(fields),
        },
      }
    }),
  }
}
