import {
  decodeExtras,
  encodeExtras,
  type PutRequest,
  takenEntry,
  takeWeight,
  weightEntry,
  withoutEntries,
} from '@sd/core/driver'
import { expect, test } from 'vitest'

test('the default weight needs no entry, and any other is read back', () => {
  expect(weightEntry(100)).toEqual({})
  for (const weight of [0, 7, 65_535])
    expect(takeWeight({ a: 'b', ...weightEntry(weight) })).toEqual({ weight, metadata: { a: 'b' } })
  expect(takeWeight({ a: 'b' })).toEqual({ weight: 100, metadata: { a: 'b' } })
})

test('an entry that is no weight stays in the metadata', () => {
  for (const weight of ['', 'heavy', '-1', '65536'])
    expect(takeWeight({ weight })).toEqual({ weight: 100, metadata: { weight } })
})

test('an entry that the format writes itself is taken', () => {
  expect(takenEntry({ metadata: { a: 'b' } }, { zone: 'z' })).toBeUndefined()
  expect(takenEntry({ metadata: { a: 'b', zone: 'x' } }, { zone: 'z' })).toContain('"zone"')
  expect(withoutEntries({ a: 'b', zone: 'x' }, ['zone'])).toEqual({ a: 'b' })
})

const request: PutRequest = {
  instance: {
    service: 'orders',
    id: '1',
    endpoints: ['http://10.0.0.1:80'],
    weight: 100,
    health: 'passing',
    tags: [],
    metadata: { a: 'b', far: 'away' },
  },
  claim: { owner: 'me', claimedAtMs: 5, seq: 2 },
  mode: 'if-newer',
  ttlMs: 10_000,
  registeredAtMs: 4,
}

test('metadata that a format has no room for goes with the other parts, and comes back', () => {
  const { instance, claim, ttlMs, registeredAtMs } = request
  const record = { instance, claim, ttlMs, registeredAtMs }
  const text = encodeExtras(request, { far: 'away' })
  expect(decodeExtras(text, 'orders', '1', { a: 'b' })).toEqual(record)
  expect(encodeExtras(request)).not.toContain('metadata')
  expect(decodeExtras(encodeExtras(request), 'orders', '1', instance.metadata)).toEqual(record)
  expect(() => decodeExtras('{"metadata":{"n":1}}', 'orders', '1', {})).toThrow('"metadata"')
})
