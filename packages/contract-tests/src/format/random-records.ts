import type { PutRequest } from '@sd/core/driver'

/** Repeatable randomness. */
export interface Draw {
  readonly below: (bound: number) => number
  readonly one: <T>(from: readonly T[]) => T
  readonly list: <T>(most: number, make: () => T) => T[]
}

/** A generator whose numbers depend only on `seed` (mulberry32). */
export const createDraw = (seed: number): Draw => {
  let state = seed
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (bound: number): number => Math.floor(next() * bound)
  return {
    below,
    one: (from) => from[below(from.length)] as (typeof from)[number],
    list: (most, make) => Array.from({ length: below(most + 1) }, make),
  }
}

const plainNames = ['orders', 'orders-eu', 'a', 'A.b_c~1', '42', '__proto__', 'sd']
const oddNames = [
  'a/b',
  '.',
  '..',
  'ä 漢',
  '100%',
  'a:b',
  '🙂',
  '%2F',
  'a\nb',
  '{}',
  'x'.repeat(255),
]
const texts = ['', 'b', 'ä漢🙂', '"quoted"', 'a=b', '\\', 'null', '0', 'x'.repeat(300), '__proto__']
const endpoints = [
  'http://10.0.0.1:8080',
  'https://api.example',
  'grpc://10.0.0.1:9090',
  'grpcs://[2001:db8::7]:9090',
  'http://10.0.0.1:8080/path?x=1',
]

/** Any write that core may ask for; names are mostly plain ones. */
export const randomRequest = (draw: Draw): PutRequest => {
  const { below, one, list } = draw
  const name = (): string => one(below(4) === 0 ? oddNames : plainNames)
  const distinct = <T>(values: readonly T[]): readonly T[] => [...new Set(values)]
  return {
    instance: {
      service: name(),
      id: name(),
      endpoints: distinct([one(endpoints), ...list(2, () => one(endpoints))]),
      ...(below(2) === 0 ? {} : { version: one(['1.2.3', 'ä', 'v2']) }),
      ...(below(2) === 0 ? {} : { zone: one(['eu-1a', 'ä']) }),
      weight: one([100, 0, 1, 65_535]),
      health: one(['passing', 'draining', 'failing', 'warming-up']),
      tags: distinct(list(2, () => one(['canary', 'ä', 'a,b']))),
      metadata: Object.fromEntries(list(3, () => [one(['a', 'b.c', 'ä', 'zone']), one(texts)])),
    },
    claim: { owner: one(['lmusdlt5b2yi9r9k', 'me']), claimedAtMs: below(2 ** 41), seq: below(9) },
    mode: 'if-newer',
    ttlMs: one([1, 10_000]),
    registeredAtMs: below(2 ** 41),
    ...(below(4) === 0 ? { unknownFields: { rack: { row: 7 }, costs: null } } : {}),
  }
}

const replacements = [null, 7, -1, 1.5, true, '', 'text', [], {}, [null], { a: 1 }, 'x'.repeat(99)]

/** `value` with one value anywhere in it replaced, removed or added. */
const broken = (value: unknown, draw: Draw): unknown => {
  if (typeof value !== 'object' || value === null || draw.below(5) === 0)
    return draw.one(replacements)
  const copy = (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>
  const names = Object.keys(copy)
  const name = names.length === 0 || draw.below(9) === 0 ? 'added' : draw.one(names)
  if (draw.below(6) === 0) delete copy[name]
  else copy[name] = broken(copy[name], draw)
  return copy
}

/** A value that resembles `valid`: damaged bytes, or JSON with another shape. */
export const brokenValue = (valid: Uint8Array, draw: Draw): Uint8Array => {
  const text = Buffer.from(valid).toString()
  if (draw.below(2) === 0 && text.startsWith('{'))
    return Buffer.from(JSON.stringify(broken(JSON.parse(text), draw)))
  const bytes = Buffer.from(valid)
  const at = draw.below(bytes.length + 1)
  switch (draw.below(4)) {
    case 0:
      return bytes.subarray(0, at)
    case 1:
      bytes[at] = draw.below(256)
      return bytes
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes])
    default:
      return Buffer.from(draw.list(40, () => draw.below(256)))
  }
}
