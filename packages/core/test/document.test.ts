import { decodeExtras, encodeExtras, extraFields, type PutRequest } from '@sd/core/driver'
import { describe, expect, test } from 'vitest'
import { readPairs, readStrings } from '../src/driver/document.ts'

const request = (more: Partial<PutRequest['instance']> = {}): PutRequest => ({
  instance: {
    service: 'orders',
    id: '1',
    endpoints: ['http://10.0.0.7:8080'],
    version: '1.4.0',
    weight: 100,
    health: 'passing',
    tags: [],
    metadata: {},
    ...more,
  },
  claim: { owner: 'me', claimedAtMs: 5, seq: 2 },
  mode: 'if-newer',
  ttlMs: 10_000,
  registeredAtMs: 4,
  unknownFields: { next: 1 },
})

describe('the fields that are added to documents of other fleets', () => {
  test('have the weight unless readers take the same from elsewhere', () => {
    const weightOf = (more: Partial<PutRequest['instance']>): unknown =>
      extraFields(request(more))['weight']
    expect(weightOf({})).toBeUndefined()
    expect(weightOf({ weight: 7 })).toBe(7)
    // readers would take the weight of the metadata
    expect(weightOf({ metadata: { weight: '50' } })).toBe(100)
  })

  test('are read back from one text, with what the format has no field for', () => {
    const { instance, claim, ttlMs, registeredAtMs, unknownFields } = request({ zone: 'z' })
    const text = encodeExtras(request({ zone: 'z' }))
    expect(decodeExtras(text, 'orders', '1', { a: 'b' })).toEqual({
      instance: { ...instance, metadata: { a: 'b' } },
      claim,
      ttlMs,
      registeredAtMs,
      unknownFields,
    })
  })
})

test('metadata that is in the text and beside it is put together', () => {
  const text = JSON.stringify({ metadata: { x: 'y' }, endpoints: [] })
  expect(decodeExtras(text, 'orders', '1', { a: 'b' }).instance.metadata).toEqual({
    a: 'b',
    x: 'y',
  })
})

test('lists and pairs of strings may be missing or null, and are nothing else', () => {
  expect([{}, { x: null }].map((document) => readStrings(document, 'x'))).toEqual([[], []])
  expect([{}, { x: null }].map((document) => readPairs(document, 'x'))).toEqual([{}, {}])
  expect(readStrings({ x: ['a'] }, 'x')).toEqual(['a'])
  expect(readPairs({ x: { a: 'b' } }, 'x')).toEqual({ a: 'b' })
  for (const x of ['a', {}, [1]])
    expect(() => readStrings({ x }, 'x')).toThrow('"x" is not a list of strings')
  for (const x of ['a', [], { a: 1 }])
    expect(() => readPairs({ x }, 'x')).toThrow('"x" is not an object of strings')
})
