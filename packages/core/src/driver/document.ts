import type { Claim } from '../model/claim.ts'
import type { InstanceRecord } from '../model/instance-record.ts'
import { defaultWeight, maxWeight, type ServiceInstance } from '../model/service-instance.ts'
import type { PutRequest } from './registry-driver.ts'
import type { DecodedDocument, WireFormat } from './wire-format.ts'

/** A parsed JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Why a document cannot be read. `decodeWith` makes it the reason of a skipped record. */
export class Malformed extends Error {}

const decoder = new TextDecoder('utf-8', { fatal: true })

/** The text of a value. @throws Malformed or TypeError where it is empty or not UTF-8 */
export const readText = (value: Uint8Array): string => {
  if (value.length === 0) throw new Malformed('it is empty')
  const bytes = Buffer.isBuffer(value)
    ? value
    : Buffer.from(value.buffer, value.byteOffset, value.length)
  const text = bytes.toString()
  // half the time of the decoder, which is needed only to tell damaged text and to drop a mark
  return text.includes('\uFFFD') || text.startsWith('\uFEFF') ? decoder.decode(value) : text
}

/** Whether a parsed value is an object, not a list. */
export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Parses `text`. @throws Malformed or SyntaxError where it is not a JSON object */
export const parseObject = (text: string): JsonObject => {
  const document: unknown = JSON.parse(text)
  if (!isJsonObject(document)) throw new Malformed('it is not a JSON object')
  return document
}

// The readers of values serve `readDocument`, whose property accesses stay fast because each names one
// field; those of fields serve formats.

const toText = (value: unknown, field: string): string | undefined => {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw new Malformed(`"${field}" is not a string`)
  return value
}

const none: readonly string[] = Object.freeze([])
const noPairs: Readonly<Record<string, string>> = Object.freeze({})

const toTexts = (value: unknown, field: string): readonly string[] => {
  if (value === undefined || value === null) return none
  if (!Array.isArray(value)) throw new Malformed(`"${field}" is not a list of strings`)
  for (const item of value)
    if (typeof item !== 'string') throw new Malformed(`"${field}" is not a list of strings`)
  // of a hundred thousand instances, most of which have no tags, empty lists take megabytes
  return value.length === 0 ? none : value
}

const toPairs = (value: unknown, field: string): Readonly<Record<string, string>> => {
  if (value === undefined || value === null) return noPairs
  if (!isJsonObject(value)) throw new Malformed(`"${field}" is not an object of strings`)
  let empty = true
  for (const name in value) {
    empty = false
    if (typeof value[name] !== 'string')
      throw new Malformed(`"${field}" is not an object of strings`)
  }
  return empty ? noPairs : (value as Readonly<Record<string, string>>)
}

const toNatural = (
  value: unknown,
  field: string,
  max: number = Number.MAX_SAFE_INTEGER,
): number | undefined => {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value > max)
    throw new Malformed(`"${field}" is not a whole number from 0 to ${max}`)
  return value
}

/** A string field; `undefined` where it is missing or null. @throws Malformed */
export const readString = (document: JsonObject, field: string): string | undefined =>
  toText(document[field], field)

/** A list of strings; empty where it is missing or null, as Go writes an empty list. @throws Malformed */
export const readStrings = (document: JsonObject, field: string): readonly string[] =>
  toTexts(document[field], field)

/** An object of strings; empty where it is missing or null, as Go writes an empty map. @throws Malformed */
export const readPairs = (document: JsonObject, field: string): Readonly<Record<string, string>> =>
  toPairs(document[field], field)

/** A whole number from 0 to `max`; `undefined` where it is missing or null. @throws Malformed */
export const readNatural = (
  document: JsonObject,
  field: string,
  max?: number,
): number | undefined => toNatural(document[field], field, max)

let lastOwner = ''

/** One string for the claims of an owner that are read one after the other; each has its own text. */
const sharedOwner = (owner: string): string => {
  if (owner !== lastOwner) lastOwner = owner
  return lastOwner
}

const toClaim = (value: unknown): Claim | undefined => {
  if (value === undefined || value === null) return undefined
  if (!isJsonObject(value)) throw new Malformed('"claim" is not an object')
  const owner = toText(value['owner'], 'owner')
  const claimedAtMs = toNatural(value['at'], 'at')
  const seq = toNatural(value['seq'], 'seq')
  if (owner === undefined || claimedAtMs === undefined || seq === undefined)
    throw new Malformed('"claim" lacks owner, at or seq')
  return { owner: sharedOwner(owner), claimedAtMs, seq }
}

/** A weight as peers write it in metadata, a text; `undefined` where it is no weight. */
export const readWeight = (text: string | undefined): number | undefined => {
  if (text === undefined || text === '' || text.length > 5) return undefined
  let weight = 0
  for (let index = 0; index < text.length; index += 1) {
    const digit = text.charCodeAt(index) - 48
    if (digit < 0 || digit > 9) return undefined
    weight = weight * 10 + digit
  }
  return weight <= maxWeight ? weight : undefined
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

const unknownFieldsOf = (document: JsonObject): JsonObject | undefined => {
  let unknown: Record<string, unknown> | undefined
  // defined one by one, as a field may be named __proto__
  for (const field in document)
    if (!knownFields.has(field))
      Object.defineProperty((unknown ??= {}), field, {
        value: document[field],
        enumerable: true,
        configurable: true,
        writable: true,
      })
  return unknown && Object.freeze(unknown)
}

/**
 * The fields that `@sd` adds to the documents of other fleets, whose readers ignore them. Those with
 * a default are `undefined`, which JSON leaves out.
 */
export const extraFields = ({
  instance,
  claim,
  ttlMs,
  registeredAtMs,
}: PutRequest): Readonly<Record<string, unknown>> => ({
  // without the field, readers take the weight of the metadata
  weight:
    instance.weight === defaultWeight && instance.metadata['weight'] === undefined
      ? undefined
      : instance.weight,
  health: instance.health === 'passing' ? undefined : instance.health,
  zone: instance.zone,
  tags: instance.tags.length === 0 ? undefined : instance.tags,
  claim: { owner: claim.owner, at: claim.claimedAtMs, seq: claim.seq },
  ttlMs,
  registeredAtMs,
})

type Writable<T> = { -readonly [Name in keyof T]: T[Name] }

/**
 * Reads the fields of `@sd`'s document, which is a superset of Kratos's, for the instance that the
 * key names. The weight is the field `weight`, else the metadata's. @throws Malformed
 */
export const readDocument = (
  document: JsonObject,
  service: string,
  id: string,
  metadata: Readonly<Record<string, string>> = toPairs(document['metadata'], 'metadata'),
): Omit<InstanceRecord, 'key'> => {
  const version = toText(document['version'], 'version')
  const zone = toText(document['zone'], 'zone')
  const claim = toClaim(document['claim'])
  const ttlMs = toNatural(document['ttlMs'], 'ttlMs')
  const registeredAtMs = toNatural(document['registeredAtMs'], 'registeredAtMs')
  const unknownFields = unknownFieldsOf(document)
  const instance: Writable<ServiceInstance> = {
    service,
    id,
    endpoints: toTexts(document['endpoints'], 'endpoints'),
    weight:
      toNatural(document['weight'], 'weight', maxWeight) ??
      readWeight(metadata['weight']) ??
      defaultWeight,
    health: toText(document['health'], 'health') || 'passing',
    tags: toTexts(document['tags'], 'tags'),
    metadata,
  }
  // assigned one by one: spreading optional parts takes as long as the rest
  if (version) instance.version = version
  if (zone) instance.zone = zone
  const record: Writable<Omit<InstanceRecord, 'key'>> = { instance }
  if (claim) record.claim = claim
  if (ttlMs !== undefined) record.ttlMs = ttlMs
  if (registeredAtMs !== undefined) record.registeredAtMs = registeredAtMs
  if (unknownFields) record.unknownFields = unknownFields
  return record
}

/**
 * The metadata entry in which formats with free-form metadata keep what they have no field for, as
 * one string. It belongs to the format: applications cannot set it.
 */
export const extrasKey = 'sd_record'

/**
 * The value of `extrasKey`: everything except service, id and metadata, of which it has only the part
 * that the format has no room for.
 */
export const encodeExtras = (
  request: PutRequest,
  metadata?: Readonly<Record<string, string>>,
): string => {
  const { version, endpoints } = request.instance
  return JSON.stringify({
    ...request.unknownFields,
    version,
    endpoints,
    metadata,
    ...extraFields(request),
  })
}

/** Reads the record whose metadata had `text` under `extrasKey`; `metadata` is the rest. @throws Malformed */
export const decodeExtras = (
  text: string,
  service: string,
  id: string,
  metadata: Readonly<Record<string, string>>,
): Omit<InstanceRecord, 'key'> => {
  const document = parseObject(text)
  const further = toPairs(document['metadata'], 'metadata')
  const whole = further === noPairs ? metadata : { ...metadata, ...further }
  return readDocument(document, service, id, whole)
}

/** A format's `decode`: what `read` returns, or what it throws as the reason of a skipped record. */
export const decodeWith =
  (read: (key: string, value: Uint8Array) => DecodedDocument): WireFormat['decode'] =>
  (key, value) => {
    try {
      return read(key, value)
    } catch (error) {
      return { skipped: error instanceof Error ? error.message : String(error) }
    }
  }
