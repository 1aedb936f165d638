import type { Claim } from '../model/claim.ts'
import { decodeName, encodeName } from '../model/name-encoding.ts'
import { defaultWeight, maxWeight } from '../model/service-instance.ts'
import type { InstanceRecord } from '../model/instance-record.ts'
import type { PutRequest } from './registry-driver.ts'
import type { WireFormat } from './wire-format.ts'

/** Version of the document below; raised when an older reader could misread it. */
const schemaVersion = 1

const decoder = new TextDecoder('utf-8', { fatal: true })

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

class Malformed extends Error {}

const text = (document: Record<string, unknown>, field: string): string | undefined => {
  const value = document[field]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw new Malformed(`"${field}" is not a string`)
  return value
}

const texts = (document: Record<string, unknown>, field: string): readonly string[] => {
  // Go writes an empty list or map as null
  const value = document[field] ?? []
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string'))
    throw new Malformed(`"${field}" is not a list of strings`)
  return value
}

const pairs = (
  document: Record<string, unknown>,
  field: string,
): Readonly<Record<string, string>> => {
  const value = document[field] ?? {}
  if (!isObject(value) || !Object.values(value).every((item) => typeof item === 'string'))
    throw new Malformed(`"${field}" is not an object of strings`)
  return value as Record<string, string>
}

const natural = (
  document: Record<string, unknown>,
  field: string,
  max: number = Number.MAX_SAFE_INTEGER,
): number | undefined => {
  const value = document[field]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value > max)
    throw new Malformed(`"${field}" is not a whole number from 0 to ${max}`)
  return value
}

const claimOf = (document: Record<string, unknown>): Claim | undefined => {
  const value = document['claim']
  if (value === undefined || value === null) return undefined
  if (!isObject(value)) throw new Malformed('"claim" is not an object')
  const owner = text(value, 'owner')
  const claimedAtMs = natural(value, 'at')
  const seq = natural(value, 'seq')
  if (owner === undefined || claimedAtMs === undefined || seq === undefined)
    throw new Malformed('"claim" lacks owner, at or seq')
  return { owner, claimedAtMs, seq }
}

/** Kratos stores the weight as a string in the metadata; the `weight` field has precedence. */
const weightOf = (
  document: Record<string, unknown>,
  metadata: Readonly<Record<string, string>>,
): number => {
  const own = natural(document, 'weight', maxWeight)
  if (own !== undefined) return own
  const foreign = Number(metadata['weight'])
  return /^\d+$/.test(metadata['weight'] ?? '') && foreign <= maxWeight ? foreign : defaultWeight
}

const split = (key: string): { service: string; id: string } | undefined => {
  const slash = key.indexOf('/')
  if (slash < 0) return undefined
  const service = decodeName(key.slice(0, slash))
  const id = decodeName(key.slice(slash + 1))
  return service === undefined || id === undefined ? undefined : { service, id }
}

const knownFields: ReadonlySet<string> = new Set([
  'schema',
  'id',
  'name',
  'version',
  'metadata',
  'endpoints',
  'weight',
  'health',
  'zone',
  'tags',
  'claim',
  'ttlMs',
  'registeredAtMs',
])

const unknownFieldsOf = (
  document: Record<string, unknown>,
): Readonly<Record<string, unknown>> | undefined => {
  const unknown = Object.entries(document).filter(([field]) => !knownFields.has(field))
  return unknown.length === 0 ? undefined : Object.freeze(Object.fromEntries(unknown))
}

const read = (key: string, value: Uint8Array): Omit<InstanceRecord, 'key'> => {
  const place = split(key)
  if (place === undefined) throw new Malformed('its key is not <service>/<id>')
  if (value.length === 0) throw new Malformed('it is empty')
  const document: unknown = JSON.parse(decoder.decode(value))
  if (!isObject(document)) throw new Malformed('it is not a JSON object')
  const schema = natural(document, 'schema')
  if (schema !== undefined && schema > schemaVersion)
    throw new Malformed(`its schema ${schema} is newer than ${schemaVersion}: upgrade this reader`)
  const { service, id } = place
  if (text(document, 'name') !== service || text(document, 'id') !== id)
    throw new Malformed('its "name" and "id" are not those of its key')
  const metadata = pairs(document, 'metadata')
  const version = text(document, 'version')
  const zone = text(document, 'zone')
  const health = text(document, 'health')
  const claim = claimOf(document)
  const ttlMs = natural(document, 'ttlMs')
  const registeredAtMs = natural(document, 'registeredAtMs')
  const unknownFields = unknownFieldsOf(document)
  return {
    instance: {
      service,
      id,
      endpoints: texts(document, 'endpoints'),
      ...(version ? { version } : {}),
      ...(zone ? { zone } : {}),
      weight: weightOf(document, metadata),
      health: health || 'passing',
      tags: texts(document, 'tags'),
      metadata,
    },
    ...(claim ? { claim } : {}),
    ...(ttlMs === undefined ? {} : { ttlMs }),
    ...(registeredAtMs === undefined ? {} : { registeredAtMs }),
    ...(unknownFields === undefined ? {} : { unknownFields }),
  }
}

/**
 * The default format: one JSON document per instance at `<service>/<id>`, a superset of the Kratos
 * document (`id name version metadata endpoints`), so that Kratos clients can read it. Fields that
 * it does not know are kept in `unknownFields`.
 */
export const jsonFormat: WireFormat = {
  name: 'json',
  carriesClaims: true,
  key: ({ service, id }) => `${encodeName(service)}/${encodeName(id)}`,
  prefix: (service) => `${encodeName(service)}/`,
  // a key with more than two parts belongs to a namespace below this one
  serviceOf: (key) => split(key)?.service,
  encode: ({ instance, claim, ttlMs, registeredAtMs, unknownFields }: PutRequest) => {
    const { service, id, version, zone, ...rest } = instance
    // uses Node's buffer pool: one allocation per record is expensive for the garbage collector
    return Buffer.from(
      JSON.stringify({
        ...unknownFields,
        schema: schemaVersion,
        id,
        name: service,
        version: version ?? '',
        metadata: rest.metadata,
        endpoints: rest.endpoints,
        weight: rest.weight,
        // a passing instance has the document of versions that know no health
        health: rest.health === 'passing' ? undefined : rest.health,
        zone,
        tags: rest.tags,
        claim: { owner: claim.owner, at: claim.claimedAtMs, seq: claim.seq },
        ttlMs,
        registeredAtMs,
      }),
    )
  },
  decode: (key, value) => {
    try {
      return read(key, value)
    } catch (error) {
      return { skipped: error instanceof Error ? error.message : String(error) }
    }
  },
}
