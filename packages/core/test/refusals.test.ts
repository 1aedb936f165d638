import { describe, expect, test } from 'vitest'
import { RegistryError, resolveRegistryOptions } from '@sd/core'
import {
  createDriverContext,
  jsonFormat,
  servicesOf,
  toContents,
  toRecordKey,
} from '@sd/core/driver'
import { show } from '../src/registry-error.ts'
import { systemClock } from '../src/runtime/clock.ts'
import { systemRandom } from '../src/runtime/random.ts'
import {
  patchInstance,
  validateEdit,
  validateInstance,
  validateName,
} from '../src/model/validate-instance.ts'

/** The message of what is thrown, without its code and operation. */
const said = (call: () => unknown): string => {
  try {
    call()
  } catch (error) {
    const { message, code, operation, service } = error as RegistryError
    const subject = service === undefined ? '' : ` ${service}`
    return message.replace(`[${code}] ${operation}${subject}: `, `${code}${subject}: `)
  }
  return 'accepted'
}

const good = { service: 'orders', endpoints: ['http://10.0.0.7:8080'] }
const validate = (fields: object): unknown =>
  validateInstance('register', { ...good, ...fields }, () => 'i')

describe('a refused argument is named with what is expected', () => {
  const name = 'a non-empty string of well-formed Unicode, at most 255 bytes in UTF-8'
  test.each([
    ['', `invalid-argument: service is ""; expected ${name}`],
    [7, `invalid-argument: service is 7; expected ${name}`],
    ['\ud800', `invalid-argument: service is "\\ud800"; expected ${name}`],
    ['ü'.repeat(128), `invalid-argument: service is "256 bytes long"; expected ${name}`],
    [`${'ü'.repeat(127)}x`, 'accepted'],
  ])('the name %j', (value, message) => {
    expect(said(() => validateName('register', 'service', value))).toBe(message)
  })

  const url = 'an absolute URL with a host, like http://10.0.0.7:8080'
  const wildcard =
    "the host at which others reach it, not a wildcard (localAddress() returns this machine's)"
  test.each([
    ['10.0.0.7:8080', url],
    ['', url],
    [7, url],
    ['file:///x', url],
    ['http://0.0.0.0:80', wildcard],
    ['http://[::]:80', wildcard],
    ['http://h:0', 'the port at which others reach it; port 0 is not an address'],
    ['http://user@h:1', 'a URL without credentials, as every reader of the registry sees it'],
    ['http://:secret@h:1', 'a URL without credentials, as every reader of the registry sees it'],
  ])('the endpoint %j', (endpoint, expected) => {
    const message = said(() => validate({ endpoints: ['http://good:1', endpoint] }))
    expect(message).toMatch(/^invalid-argument orders: endpoint is /)
    expect(message).toContain(`; expected ${expected}`)
    expect(message).not.toContain('secret')
  })

  test.each([
    [{ endpoints: [] }, 'endpoints is a list; expected a list of one or more URLs'],
    [{ endpoints: 'x' }, 'endpoints is "x"; expected a list of one or more URLs'],
    [{ tags: 'x' }, 'tags is "x"; expected a list of non-empty strings'],
    [{ tags: ['a', ''] }, 'tags is a list; expected a list of non-empty strings'],
    [{ tags: ['a', 7] }, 'tags is a list; expected a list of non-empty strings'],
    [{ tags: ['\ud800'] }, 'tags is a list; expected a list of non-empty strings'],
    [{ metadata: 7 }, 'metadata is 7; expected an object whose values are strings'],
    [{ metadata: [] }, 'metadata is a list; expected an object whose values are strings'],
    [{ metadata: { a: 1 } }, 'metadata.a is 1; expected a string of well-formed Unicode'],
    [
      { metadata: { a: '\ud800' } },
      'metadata.a is "\\ud800"; expected a string of well-formed Unicode',
    ],
    [
      { metadata: { '\ud800': 'a' } },
      'a key of metadata is "\\ud800"; expected well-formed Unicode',
    ],
    [{ zone: 1 }, 'zone is 1; expected a string of well-formed Unicode'],
    [{ zone: '\ud800' }, 'zone is "\\ud800"; expected a string of well-formed Unicode'],
    [{ version: 1 }, 'version is 1; expected a string of well-formed Unicode'],
    [{ weight: -1 }, 'weight is -1; expected a whole number from 0 to 65535'],
    [{ weight: '1' }, 'weight is "1"; expected a whole number from 0 to 65535'],
    [{ health: 'well' }, 'health is "well"; expected passing, draining, failing'],
  ])('the fields %j', (fields, message) => {
    expect(said(() => validate(fields))).toBe(`invalid-argument orders: ${message}`)
  })

  test.each([
    [{ weight: 0 }],
    [{ weight: 65_535 }],
    [{ zone: '' }],
    [{ version: '' }],
    [{ tags: [] }],
  ])('the bounds %j are accepted', (fields) => {
    expect(said(() => validate(fields))).toBe('accepted')
  })

  test.each([[null], [[]], [7]])('%j instead of an object', (value) => {
    expect(said(() => validateInstance('register', value as never, () => 'i'))).toMatch(
      /^invalid-argument: the argument is .*; expected an object$/,
    )
  })

  test('an unknown field, with the known ones', () => {
    expect(said(() => validate({ wieght: 1 }))).toBe(
      'invalid-argument: field "wieght" is "unknown"; expected service, id, endpoints, version, zone, weight, health, tags, metadata',
    )
    const edit = (fields: object) => said(() => validateEdit('edit', 'orders', fields))
    expect(edit({ zone: 'x' })).toBe(
      'invalid-argument orders: field "zone" is "unknown"; expected weight, health, tags, metadata',
    )
    const instance = validateInstance('register', good, () => 'i')
    expect(said(() => patchInstance('update', instance, { id: 'x' } as object))).toBe(
      'invalid-argument orders: field "id" is "unknown"; expected endpoints, version, zone, weight, health, tags, metadata',
    )
  })
})

describe('validateEdit', () => {
  test('returns exactly the given fields', () => {
    const all = { weight: 1, health: 'draining', tags: ['a'], metadata: { k: 'v' } } as const
    expect(validateEdit('edit', 'orders', all)).toEqual(all)
    for (const [name, value] of Object.entries(all))
      expect(validateEdit('edit', 'orders', { [name]: value })).toStrictEqual({ [name]: value })
    expect(validateEdit('edit', 'orders', { weight: undefined })).toStrictEqual({})
  })

  test.each([
    [{ weight: -1 }],
    [{ health: 'x' }],
    [{ tags: [''] }],
    [{ metadata: { a: 1 } }],
    [{ metadata: null }],
  ])('refuses %j', (edit) => {
    expect(said(() => validateEdit('edit', 'orders', edit as object))).toContain(
      'invalid-argument orders',
    )
  })
})

test('a patch keeps a health of a later version, unless it names one', () => {
  const instance = { ...validateInstance('register', good, () => 'i'), health: 'warming' }
  expect(patchInstance('update', instance, { weight: 1 })).toStrictEqual({ ...instance, weight: 1 })
  expect(Object.isFrozen(patchInstance('update', instance, { weight: 1 }))).toBe(true)
  expect(patchInstance('update', instance, { health: 'draining' }).health).toBe('draining')
})

describe('show', () => {
  test.each([
    ['text', '"text"'],
    ['a\nb', '"a\\nb"'],
    ['x'.repeat(78), `"${'x'.repeat(78)}"`],
    ['x'.repeat(79), `"${'x'.repeat(76)}...`],
    ['http://user:secret@h/p', '"http://<hidden>@h/p"'],
    ['user:secret@h', '"<hidden>@h"'],
    [['x'], 'a list'],
    [() => {}, 'a function'],
    [{ a: 1 }, 'an object'],
    [null, 'null'],
    [undefined, 'undefined'],
    [7, '7'],
  ])('writes %j as %s', (value, shown) => {
    expect(show(value)).toBe(shown)
  })
})

test('an error has no cause and no service unless it is given one', () => {
  const options = { backend: 'etcd', operation: 'list', message: 'x' }
  const error = new RegistryError('internal', options)
  expect('cause' in error).toBe(false)
  expect(error.service).toBeUndefined()
  expect(error.toJSON()).toStrictEqual({
    name: 'RegistryError',
    code: 'internal',
    message: '[internal] list: x',
    backend: 'etcd',
    operation: 'list',
    retryable: true,
  })
  const retryable = (
    ['timeout', 'unavailable', 'session-lost', 'cursor-expired', 'internal'] as const
  ).map((code) => new RegistryError(code, options).retryable)
  expect(retryable).toEqual([true, true, true, true, true])
  const permanent = (
    [
      'conflict',
      'closed',
      'permission-denied',
      'invalid-argument',
      'invalid-config',
      'unsupported',
    ] as const
  ).map((code) => new RegistryError(code, options).retryable)
  expect(permanent).toEqual([false, false, false, false, false, false])
})

describe('options', () => {
  const refused = (options: unknown): string =>
    said(() => resolveRegistryOptions(options as object))

  test.each([
    [null, 'options is null; expected an object'],
    [{ ttlMs: 0.5 }, 'ttlMs is 0.5; expected a number from 1 to 2147483647'],
    [{ ttlMs: '1' }, 'ttlMs is 1; expected a number from 1 to 2147483647'],
    [{ ttlMs: () => 1 }, 'ttlMs is undefined; expected a number from 1 to 2147483647'],
    [{ backoff: null }, 'backoff is null; expected an object'],
    [{ backoff: { maxMs: 10, minMs: 11 } }, 'backoff.minMs is 11; expected a number from 1 to 10'],
    [
      { lossProtection: { fraction: 1 } },
      'lossProtection key "fraction" is unknown; expected maxFraction, holdMs, maxHoldMs, minInstances',
    ],
    [
      { lossProtection: { minInstances: 0 } },
      'lossProtection.minInstances is 0; expected a number from 1 to 9007199254740991',
    ],
    [
      { lossProtection: { maxHoldMs: -1 } },
      'lossProtection.maxHoldMs is -1; expected a number from 0 to 2147483647',
    ],
    [
      { lossProtection: { holdMs: -1 } },
      'lossProtection.holdMs is -1; expected a number from 0 to 2147483647',
    ],
  ])('refuses %j', (options, message) => {
    expect(refused(options)).toBe(`invalid-config: ${message}`)
  })

  test('accepts every bound', () => {
    const most = 2 ** 31 - 1
    for (const options of [
      { ttlMs: 1, callTimeoutMs: 1, closeTimeoutMs: 0, backoff: { minMs: 1, maxMs: 1 } },
      {
        ttlMs: most,
        callTimeoutMs: most,
        closeTimeoutMs: most,
        backoff: { minMs: most, maxMs: most },
      },
      { lossProtection: { maxFraction: 0, minInstances: 1 } },
      { lossProtection: { maxFraction: 1 } },
    ])
      expect(refused(options)).toBe('accepted')
  })

  test('keeps what is given and fills in the rest', () => {
    const format = { ...jsonFormat, name: 'mine' }
    const random = { ...systemRandom }
    const clock = { ...systemClock }
    const resolved = resolveRegistryOptions({ format, random, clock, backoff: { maxMs: 50 } })
    expect(resolved.format).toBe(format)
    expect(resolved.random).toBe(random)
    expect(resolved.clock).toBe(clock)
    expect(resolved.backoff).toEqual({ minMs: 50, maxMs: 50 })
    const defaults = resolveRegistryOptions({})
    expect(defaults.format).toBe(jsonFormat)
    expect(defaults.clock).toBe(systemClock)
    expect(defaults.random).toBe(systemRandom)
    expect(defaults.lossProtection?.maxHoldMs).toBe(300_000)
    const long = resolveRegistryOptions({ lossProtection: { holdMs: 400_000, maxHoldMs: 1 } })
    expect(long.lossProtection).toMatchObject({ holdMs: 400_000, maxHoldMs: 400_000 })
  })
})

test('a driver context has the system’s clock and randomness, the default format and no reporting', () => {
  const defaults = createDriverContext()
  expect(defaults).toMatchObject({ clock: systemClock, random: systemRandom, format: jsonFormat })
  defaults.report({ level: 'info', event: 'x', message: 'y' })
  const mine = {
    clock: { ...systemClock },
    random: { ...systemRandom },
    format: { ...jsonFormat },
    report: () => {},
  }
  const context = createDriverContext(mine)
  for (const name of ['clock', 'random', 'format', 'report'] as const)
    expect(context[name]).toBe(mine[name])
})

test('toContents divides, and servicesOf names each service once', () => {
  const skipped = { key: toRecordKey('a/x'), reason: 'bad' }
  const record = {
    key: toRecordKey('a/1'),
    instance: validateInstance('register', good, () => 'i'),
  }
  expect(toContents([skipped, record])).toEqual({ records: [record], skipped: [skipped] })
  const keys = ['b/1', 'a/1', 'b/2', 'none'].map((key) => ({ key }))
  expect(servicesOf(jsonFormat, keys)).toEqual(['b', 'a'])
})

describe('the default format', () => {
  const decode = (document: object): unknown =>
    jsonFormat.decode(
      's/a',
      new TextEncoder().encode(JSON.stringify({ id: 'a', name: 's', ...document })),
    )

  test.each([
    [{ endpoints: 'x' }, '"endpoints" is not a list of strings'],
    [{ tags: ['x', 1] }, '"tags" is not a list of strings'],
    [{ metadata: ['x'] }, '"metadata" is not an object of strings'],
    [{ metadata: 7 }, '"metadata" is not an object of strings'],
    [{ metadata: { a: 'x', b: 1 } }, '"metadata" is not an object of strings'],
    [{ weight: '7' }, '"weight" is not a whole number from 0 to 65535'],
    [{ weight: 65_536 }, '"weight" is not a whole number from 0 to 65535'],
    [{ ttlMs: -1 }, '"ttlMs" is not a whole number from 0 to 9007199254740991'],
    [
      { registeredAtMs: 2 ** 53 },
      '"registeredAtMs" is not a whole number from 0 to 9007199254740991',
    ],
    [{ claim: 7 }, '"claim" is not an object'],
    [{ claim: { at: 1, seq: 1 } }, '"claim" lacks owner, at or seq'],
    [{ claim: { owner: 'o', seq: 1 } }, '"claim" lacks owner, at or seq'],
    [{ claim: { owner: 'o', at: 1 } }, '"claim" lacks owner, at or seq'],
    [{ zone: 1 }, '"zone" is not a string'],
    [{ schema: 2 }, 'its schema 2 is newer than 1: upgrade this reader'],
    [{ id: 'b' }, 'its "name" and "id" are not those of its key'],
    [{ name: 'b' }, 'its "name" and "id" are not those of its key'],
  ])('skips %j', (document, reason) => {
    expect(decode(document)).toEqual({ skipped: reason })
  })

  test('reads exactly what is there', () => {
    const bare = {
      instance: {
        service: 's',
        id: 'a',
        endpoints: [],
        weight: 100,
        health: 'passing',
        tags: [],
        metadata: {},
      },
    }
    expect(decode({})).toStrictEqual(bare)
    expect(decode({ claim: null, zone: null, version: '', ttlMs: null, schema: 1 })).toStrictEqual(
      bare,
    )
    expect(
      decode({ weight: 0, ttlMs: 0, registeredAtMs: 0, claim: { owner: '', at: 0, seq: 0 } }),
    ).toStrictEqual({
      instance: { ...bare.instance, weight: 0 },
      claim: { owner: '', claimedAtMs: 0, seq: 0 },
      ttlMs: 0,
      registeredAtMs: 0,
    })
    expect(decode({ zone: 'eu', version: '1' })).toMatchObject({
      instance: { zone: 'eu', version: '1' },
    })
  })

  test.each([
    ['65535', 65_535],
    ['65536', 100],
    ['-1', 100],
    ['1.5', 100],
    ['', 100],
    ['x7', 100],
  ])('takes the weight %j of the metadata for %d', (weight, expected) => {
    expect(decode({ metadata: { weight } })).toMatchObject({ instance: { weight: expected } })
    expect(decode({ metadata: { weight }, weight: 65_535 })).toMatchObject({
      instance: { weight: 65_535 },
    })
  })

  test('refuses bytes that are no UTF-8 even inside a text', () => {
    const bytes = new TextEncoder().encode(JSON.stringify({ id: 'a', name: 's', zone: 'X' }))
    bytes[bytes.indexOf(88)] = 0xff
    expect(jsonFormat.decode('s/a', bytes)).toHaveProperty('skipped')
  })

  test('keeps keys apart whose names have special characters', () => {
    expect(
      jsonFormat.key(
        { ...validateInstance('register', { ...good, service: 'a/b' }, () => '%') },
        '',
      ),
    ).toBe('a%2Fb/%25')
    expect(jsonFormat.serviceOf('a%2Fb/%25')).toBe('a/b')
    expect(jsonFormat.serviceOf('a/%zz')).toBeUndefined()
  })
})
