import {
  decodeByName,
  decodeExtras,
  defaultWeight,
  encodeExtras,
  extrasKey,
  type InstanceRecord,
  isJsonObject,
  type JsonObject,
  keysByName,
  Malformed,
  noAddress,
  parseObject,
  readNatural,
  readString,
  readText,
  type ServiceInstance,
  urlHost,
  type WireFormat,
} from '@sd/core/driver'
import { nodeNameRefusal } from './node-names.ts'

/** `{scheme}://{address}:{port}` as Curator writes it. Spring's reader fails on a record without one. */
const uriSpec = {
  parts: [
    { value: 'scheme', variable: true },
    { value: '://', variable: false },
    { value: 'address', variable: true },
    { value: ':', variable: false },
    { value: 'port', variable: true },
  ],
}

/** The address of a Curator record: one host with a plain and a secure port. */
export interface CuratorAddress {
  readonly address: string
  readonly port: number | null
  readonly sslPort: number | null
}

/** What {@link curatorDocument} leaves to each of its users. */
export interface CuratorFleet {
  readonly name: string
  /** The host and ports of an instance, of whose endpoints at least one has an address. */
  readonly addressIn: (instance: ServiceInstance) => CuratorAddress
  /** The payload. Its `@class` comes first, as Jackson needs it before the other fields. */
  readonly payloadOf: (instance: ServiceInstance) => unknown
  /** Reads the metadata of the payload of `instance`, which `@sd` wrote. @throws Malformed */
  readonly metadataIn: (
    payload: unknown,
    instance: ServiceInstance,
  ) => Readonly<Record<string, string>>
  /** What a record of the fleet itself says beside its metadata. @throws Malformed */
  readonly foreign: (
    payload: unknown,
    address: CuratorAddress,
  ) => Pick<ServiceInstance, 'endpoints' | 'metadata'> & Partial<ServiceInstance>
  /** Why the fleet has no room for an instance. */
  readonly refusal?: (instance: ServiceInstance) => string | undefined
}

const addressFrom = (document: JsonObject): CuratorAddress => {
  const address = readString(document, 'address')
  if (!address) throw new Malformed('"address" is missing or empty')
  const [port = null, sslPort = null] = ['port', 'sslPort'].map((field) =>
    readNatural(document, field, 65_535),
  )
  return { address: urlHost(address), port, sslPort }
}

const foreignRecord = (
  fleet: CuratorFleet,
  document: JsonObject,
  service: string,
  id: string,
): Omit<InstanceRecord, 'key'> => {
  const registeredAtMs = readNatural(document, 'registrationTimeUTC')
  return {
    instance: {
      service,
      id,
      weight: defaultWeight,
      // Curator's own switch, which only its newer documents have
      health: document['enabled'] === false ? 'draining' : 'passing',
      tags: [],
      ...fleet.foreign(document['payload'], addressFrom(document)),
    },
    ...(registeredAtMs === undefined ? {} : { registeredAtMs }),
  }
}

/**
 * The records of Curator's x-discovery, and of the fleets that use it: `{"name","id","address","port",
 * "sslPort","payload","registrationTimeUTC","serviceType","uriSpec"}` at `/services/<service>/<id>`.
 * Its reader ignores further fields; `@sd` keeps the rest in one of them, as a string. Jackson's class
 * name in the payload is that of the fleet: with another one the reader fails for the whole service.
 */
export const curatorDocument = (fleet: CuratorFleet): WireFormat => {
  const keys = keysByName(fleet.name)
  return {
    name: fleet.name,
    lacks: [],
    foreignWriters: true,
    defaultNamespace: 'services',
    ...keys,
    refusal: (instance) =>
      keys.refusal(instance) ??
      nodeNameRefusal(instance) ??
      noAddress(instance) ??
      fleet.refusal?.(instance),
    encode: (request) => {
      const { instance, registeredAtMs } = request
      const { service, id, health } = instance
      return Buffer.from(
        JSON.stringify({
          name: service,
          id,
          ...fleet.addressIn(instance),
          payload: fleet.payloadOf(instance),
          registrationTimeUTC: registeredAtMs,
          serviceType: 'DYNAMIC',
          uriSpec,
          enabled: health === 'passing' ? undefined : false,
          [extrasKey]: encodeExtras(request),
        }),
      )
    },
    // the document of a sequential node names an id that several nodes may share: the key decides
    decode: decodeByName(keys.serviceOf, (service, id, value) => {
      const document = parseObject(readText(value))
      const extras = readString(document, extrasKey)
      if (extras === undefined) return foreignRecord(fleet, document, service, id)
      const record = decodeExtras(extras, service, id, {})
      const metadata = fleet.metadataIn(document['payload'], record.instance)
      return { ...record, instance: { ...record.instance, metadata } }
    }),
  }
}

/** The entries of a JSON object that are texts, numbers or booleans, as texts. */
export const scalarsIn = (value: unknown): Readonly<Record<string, string>> =>
  isJsonObject(value)
    ? Object.fromEntries(
        Object.entries(value).flatMap(([name, item]) =>
          typeof item === 'string' || typeof item === 'number' || typeof item === 'boolean'
            ? [[name, String(item)]]
            : [],
        ),
      )
    : {}
