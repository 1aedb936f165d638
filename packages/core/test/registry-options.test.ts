import { RegistryError, registryOptionKeys, resolveRegistryOptions } from '@sd/core'
import { jsonFormat } from '@sd/core/driver'
import { expect, test } from 'vitest'

test('the defaults are those of the documentation', () => {
  expect(resolveRegistryOptions({})).toMatchObject({
    ttlMs: 10_000,
    callTimeoutMs: 3_000,
    closeTimeoutMs: 5_000,
    backoff: { minMs: 100, maxMs: 5_000 },
    lossProtection: { maxFraction: 0.5, holdMs: 17_000, minInstances: 3 },
  })
})

test('a hold is never shorter than the time that owners need to return', () => {
  const { lossProtection } = resolveRegistryOptions({ ttlMs: 2_000, lossProtection: { holdMs: 1 } })
  expect(lossProtection?.holdMs).toBe(9_000)
  expect(resolveRegistryOptions({ lossProtection: false }).lossProtection).toBeUndefined()
})

test.each([
  ['ttlMs', { ttlMs: 0 }],
  ['ttlMs', { ttlMs: '10s' }],
  ['ttlMs', { ttlMs: Number.NaN }],
  ['callTimeoutMs', { callTimeoutMs: -1 }],
  ['closeTimeoutMs', { closeTimeoutMs: 2 ** 40 }],
  ['backoff.maxMs', { backoff: { maxMs: 0 } }],
  ['backoff.minMs', { backoff: { minMs: 10, maxMs: 5 } }],
  ['backoff key "min"', { backoff: { min: 10 } }],
  ['lossProtection.maxFraction', { lossProtection: { maxFraction: 2 } }],
  ['options key "tll"', { tll: 1 }],
])('refuses a wrong %s, naming it', (field, options) => {
  const resolve = (): unknown => resolveRegistryOptions(options as object)
  expect(resolve).toThrow(RegistryError)
  expect(resolve).toThrow(`[invalid-config] configure: ${field}`)
})

const { name: _name, ...nameless } = jsonFormat
const { lacks: _lacks, ...unlisted } = jsonFormat
test.each([
  [7, 'format is 7; expected a WireFormat; createRegistry takes the names'],
  [null, 'format is null; expected a WireFormat; createRegistry takes the names'],
  [{}, 'format is undefined; expected a WireFormat with name, lacks, key, prefix'],
  [nameless, 'format is undefined; expected a WireFormat with name'],
  [unlisted, 'format is json; expected a WireFormat with name'],
  [{ ...jsonFormat, decode: undefined }, 'format is json; expected a WireFormat with name'],
])('refuses %j for a format', (format, message) => {
  expect(() => resolveRegistryOptions({ format } as object)).toThrow(
    `[invalid-config] configure: ${message}`,
  )
})

test('registryOptionKeys contains every option', () => {
  expect(registryOptionKeys.toSorted()).toEqual(
    Object.keys({ ...resolveRegistryOptions({}) }).toSorted(),
  )
})
