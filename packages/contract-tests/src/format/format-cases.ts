import type { FormatPart, PutRequest, ServiceInstance, WireFormat } from '@sd/core/driver'
import { expect } from 'vitest'
import { brokenValue, createDraw, randomRequest } from './random-records.ts'

/** A stored value of another program. */
export interface ForeignRecord {
  /** Relative to the namespace. */
  readonly key: string
  readonly value: string | Uint8Array
}

/** What describes a format to its suite. */
export interface FormatSamples {
  /** Records of the other programs, as they write them, each with what a reader gets. */
  readonly foreign?: readonly (ForeignRecord & { readonly instance: Partial<ServiceInstance> })[]
  /** Values that cannot be read. */
  readonly unreadable?: readonly ForeignRecord[]
  /** How many damaged records are decoded. Default 100,000. */
  readonly damaged?: number
}

const bytesOf = (value: string | Uint8Array): Uint8Array =>
  typeof value === 'string' ? Buffer.from(value) : value

const defaults = { weight: 100, health: 'passing', tags: [], metadata: {} }

/** What a reader gets of `request` in a format that lacks these parts. */
const readable = (request: PutRequest, lacks: readonly FormatPart[]): object => {
  const { instance, claim, ttlMs, registeredAtMs, unknownFields } = request
  const has = (part: FormatPart): boolean => !lacks.includes(part)
  const parts = Object.entries({ claim, ttlMs, registeredAtMs, unknownFields })
  const fields = Object.entries(instance).map(([field, value]): [string, unknown] => [
    field,
    field === 'service' || has(field as FormatPart)
      ? value
      : (defaults[field as keyof typeof defaults] ?? undefined),
  ])
  return {
    instance: Object.fromEntries(fields.filter(([, value]) => value !== undefined)),
    ...Object.fromEntries(
      parts.filter(([part, value]) => has(part as FormatPart) && value !== undefined),
    ),
  }
}

const decoded = (format: WireFormat, key: string, value: Uint8Array) => {
  const result = format.decode(key, value)
  if ('skipped' in result) throw new Error(`${key} is skipped: ${result.skipped}`)
  return result
}

const ofStrings = (value: unknown): boolean =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''

/** Why a decoded instance cannot be served; `undefined` if it can. */
const fault = (format: WireFormat, key: string, instance: ServiceInstance): string | undefined => {
  const { service, id, endpoints, version, zone, weight, health, tags, metadata } =
    instance as unknown as Readonly<Record<string, unknown>>
  if (service !== format.serviceOf(key)) return `service ${String(service)} of key ${key}`
  if (!isText(id) || !isText(health)) return `id ${String(id)}, health ${String(health)}`
  if (![version, zone].every((text) => text === undefined || isText(text))) return 'version or zone'
  if (!ofStrings(endpoints) || !ofStrings(tags)) return 'endpoints or tags'
  if (!Number.isInteger(weight) || Number(weight) < 0 || Number(weight) > 65_535)
    return `weight ${String(weight)}`
  return ofStrings(Object.values(metadata as object)) ? undefined : 'metadata'
}

const seed = 20_261
const roundTrips = 2_000

/** That many random writes that the format does not refuse. */
const acceptedRequests = (format: WireFormat, count: number): readonly PutRequest[] => {
  const draw = createDraw(seed)
  return Array.from({ length: count }, () => randomRequest(draw)).filter(
    ({ instance }) => format.refusal?.(instance) === undefined,
  )
}

const decodeDamaged = (
  format: WireFormat,
  { foreign = [], unreadable = [], damaged = 100_000 }: FormatSamples,
): void => {
  const draw = createDraw(seed + 1)
  const own = acceptedRequests(format, 50).map((request) => ({
    key: format.key(request.instance, '77'),
    value: format.encode(request),
  }))
  const given = [...foreign, ...unreadable].map(({ key, value }) => ({
    key,
    value: bytesOf(value),
  }))
  const records = [...own, ...given]
  for (let count = 0; count < damaged; count += 1) {
    const { key: whole, value: valid } = draw.one(records)
    const value = brokenValue(valid, draw)
    const key = draw.below(20) === 0 ? whole.slice(0, draw.below(whole.length)) : whole
    try {
      const result = format.decode(key, value)
      const wrong =
        'skipped' in result
          ? result.skipped === '' && 'an empty reason'
          : fault(format, key, result.instance)
      if (wrong) throw new Error(wrong)
    } catch (cause) {
      const shown = JSON.stringify(Buffer.from(value).toString('latin1'))
      throw new Error(`decode(${JSON.stringify(key)}, ${shown}): ${String(cause)}`, { cause })
    }
  }
}

/** One case of the suite of formats. */
export interface FormatCase {
  readonly name: string
  readonly run: (format: WireFormat, samples: FormatSamples) => void
}

const keyCases: readonly FormatCase[] = [
  {
    name: 'finds the service of every key that it makes, and each key under the prefix of its service',
    run: (format) => {
      const keys = new Map<string, string>()
      for (const { instance } of acceptedRequests(format, roundTrips)) {
        const key = format.key(instance, '77')
        expect(format.serviceOf(key)).toBe(instance.service)
        const prefix = format.prefix(instance.service)
        expect(prefix.endsWith('/')).toBe(true)
        expect(key.startsWith(prefix) && key.length > prefix.length).toBe(true)
        const named = JSON.stringify([instance.service, instance.id])
        if (!format.lacks.includes('id')) expect(keys.get(key) ?? named).toBe(named)
        keys.set(key, named)
      }
      expect(keys.size, 'distinct keys: a plain name must not be refused').toBeGreaterThan(5)
    },
  },
  {
    name: 'ignores keys of something else',
    run: (format) => {
      for (const key of ['', '/', 'no-slash', 'service/', '/id'])
        expect(format.serviceOf(key)).toBeUndefined()
    },
  },
]

const valueCases: readonly FormatCase[] = [
  {
    name: 'reads back what it wrote, without the parts that it lacks',
    run: (format) => {
      for (const request of acceptedRequests(format, roundTrips)) {
        const key = format.key(request.instance, '77')
        const value = format.encode(request)
        expect(value.length).toBeGreaterThan(0)
        const { instance, ...rest } = decoded(format, key, value)
        const expected = readable(request, format.lacks) as { instance: ServiceInstance }
        const known = {
          ...expected.instance,
          ...(format.lacks.includes('endpoints') ? { endpoints: instance.endpoints } : {}),
          ...(format.lacks.includes('id') ? { id: instance.id } : {}),
        }
        expect({ instance, ...rest }).toEqual({ ...expected, instance: known })
        expect(instance.endpoints.length).toBeGreaterThan(0)
      }
    },
  },
  {
    name: 'writes the same bytes for the same request, which an audit compares',
    run: (format) => {
      for (const request of acceptedRequests(format, 100))
        expect(format.encode(structuredClone(request))).toEqual(format.encode(request))
    },
  },
  {
    name: 'reads the records of other programs',
    run: (format, { foreign = [] }) => {
      for (const { key, value, instance } of foreign)
        expect(decoded(format, key, bytesOf(value)).instance).toMatchObject(instance)
    },
  },
  {
    name: 'skips what it cannot read, with a reason',
    run: (format, { unreadable = [] }) => {
      for (const { key, value } of [...unreadable, { key: 'orders/1', value: '' }]) {
        const result = format.decode(key, bytesOf(value))
        expect('skipped' in result ? result.skipped : `${key} is read`).not.toBe(`${key} is read`)
        expect(result).toHaveProperty('skipped', expect.stringMatching(/\S/))
      }
    },
  },
  {
    name: 'never throws, and yields only complete instances, whatever is stored',
    run: (format, samples) => {
      const { stackTraceLimit } = Error
      // a stack for each skipped record would take most of the time
      Error.stackTraceLimit = 0
      try {
        decodeDamaged(format, samples)
      } finally {
        Error.stackTraceLimit = stackTraceLimit
      }
    },
  },
]

/** All cases of the suite of formats. */
export const formatCases: readonly FormatCase[] = [...keyCases, ...valueCases]
