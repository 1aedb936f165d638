import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { RegistryError } from '@sd/core'
import { ConfigCheck } from '@sd/core/driver'
import { certificate, privateKey } from './self-signed.ts'

const check = new ConfigCheck('etcd')
const pem = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n'

const messageOf = (call: () => unknown): string => {
  try {
    call()
  } catch (error) {
    expect(error).toBeInstanceOf(RegistryError)
    expect(error).toMatchObject({ code: 'invalid-config', backend: 'etcd', operation: 'config' })
    return (error as RegistryError).message.replace('[invalid-config] config: ', '')
  }
  return 'accepted'
}

describe('ConfigCheck', () => {
  test('heartbeat returns the fields that are given', () => {
    expect(check.heartbeat({})).toEqual({})
    expect(check.heartbeat({ heartbeat: 'loop' }, 'why')).toEqual({ heartbeat: 'loop' })
    const worker = { heartbeat: 'worker', maxBlockMs: 1 }
    expect(check.heartbeat({ ...worker, namespace: 'x' })).toEqual(worker)
  })

  test.each<[Record<string, unknown>, string | undefined, string]>([
    [{ heartbeat: 'thread' }, undefined, 'heartbeat is "thread"; expected loop or worker'],
    [{ heartbeat: true }, undefined, 'heartbeat is true; expected loop or worker'],
    [{ heartbeat: 'worker' }, 'one thread', 'heartbeat is "worker"; expected loop: one thread'],
    [{ heartbeat: 'x' }, 'one thread', 'heartbeat is "x"; expected loop'],
    [{ maxBlockMs: 5 }, undefined, "maxBlockMs is given without heartbeat: 'worker'"],
    [
      { heartbeat: 'loop', maxBlockMs: 5 },
      'why',
      "maxBlockMs is given without heartbeat: 'worker'",
    ],
    [{ heartbeat: 'worker', maxBlockMs: 0 }, undefined, 'maxBlockMs is 0; expected a positive'],
    [{ heartbeat: 'worker', maxBlockMs: 1.5 }, undefined, 'maxBlockMs is 1.5; expected a positive'],
    [{ heartbeat: 'worker', maxBlockMs: '5' }, undefined, 'maxBlockMs is "5"; expected a positive'],
  ])('heartbeat refuses %j', (given, unsupported, message) => {
    expect(messageOf(() => check.heartbeat(given, unsupported))).toContain(message)
  })

  test('names the field, the given value and what is expected', () => {
    expect(messageOf(() => check.expected('ttlMs', 'x', 'a number'))).toBe(
      'ttlMs is "x"; expected a number',
    )
  })

  test('object returns what it is given, without unknown keys', () => {
    const value = { a: 1 }
    expect(check.object(value, ['a', 'b'])).toBe(value)
    expect(messageOf(() => check.object({ prefx: 1 }, ['prefix', 'tls']))).toBe(
      'unknown key "prefx"; did you mean "prefix"? (known: prefix, tls)',
    )
    expect(messageOf(() => check.object({ cart: 1 }, ['ca', 'cert'], 'tls'))).toBe(
      'unknown key "tls.cart"; did you mean "tls.cert"? (known: ca, cert)',
    )
  })

  test.each([[null], ['text'], [[]], [undefined], [7]])('object refuses %j', (value) => {
    expect(messageOf(() => check.object(value, ['a', 'b']))).toMatch(
      /^the configuration is .*; expected an object of a, b$/,
    )
    expect(messageOf(() => check.object(value, ['a'], 'tls'))).toMatch(/^tls is .*; expected an/)
  })

  test('namespace accepts any well-formed text without NUL or a slash at its end', () => {
    for (const name of ['services', '/a/b', 'ü'])
      expect(messageOf(() => expect(check.namespace(name)).toBe(name))).toBe('accepted')
    for (const name of ['', 'a/', 'a\0b', '\ud800', 7, undefined])
      expect(
        messageOf(() => check.namespace(name)),
        String(name),
      ).toMatch(/^namespace is /)
  })

  test('credential never shows what it refuses', () => {
    expect(check.credential('password', undefined)).toBeUndefined()
    expect(check.credential('password', 'geheim')).toBe('geheim')
    for (const value of ['', 4711, ['geheim']])
      expect(messageOf(() => check.credential('password', value))).toBe(
        'password is not a non-empty string; expected one',
      )
  })

  test('boolean accepts true, false and nothing', () => {
    for (const value of [true, false, undefined]) expect(check.boolean('x', value)).toBe(value)
    expect(messageOf(() => check.boolean('x', 'yes'))).toBe('x is "yes"; expected true or false')
  })

  describe('tls', () => {
    test('is optional, whatever the connection', () => {
      expect(check.tls(undefined, true, 'etcds://')).toBeUndefined()
      expect(check.tls(undefined, false, 'etcds://')).toBeUndefined()
    })

    test('returns exactly the given fields, frozen', () => {
      const ca = new TextEncoder().encode(certificate)
      expect(check.tls({}, true, 'x')).toEqual({})
      expect(check.tls({ ca: certificate }, true, 'x')).toEqual({ ca: certificate })
      const all = { ca, cert: certificate, key: privateKey }
      expect(check.tls(all, true, 'x')).toEqual(all)
      expect(Object.isFrozen(check.tls(all, true, 'x'))).toBe(true)
    })

    test('refuses what OpenSSL cannot read, or what does not belong together, with its reason', () => {
      const said = (value: object): string => messageOf(() => check.tls(value, true, 'x'))
      expect(said({ ca: pem })).toMatch(
        /^tls\.ca is not a PEM certificate: OpenSSL reports "[^":]+ [^":]+"$/,
      )
      const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
      const key = other.export({ type: 'pkcs8', format: 'pem' })
      const pair = /^tls\.cert and tls\.key are not a PEM certificate and its private key: OpenSSL/
      expect(said({ cert: certificate, key })).toMatch(pair)
      expect(said({ cert: pem, key: privateKey })).toMatch(pair)
      // bytes are read like text
      const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
      expect(said({ cert: bytes(certificate), key: bytes(String(key)) })).toMatch(pair)
      expect(said({ cert: bytes(certificate), key: bytes(privateKey) })).toBe('accepted')
    })

    test('returns no field that is not given', () => {
      expect(check.tls({ ca: certificate }, true, 'x')).toStrictEqual({ ca: certificate })
      const pair = { cert: certificate, key: privateKey }
      expect(check.tls(pair, true, 'x')).toStrictEqual(pair)
    })

    test.each([
      [{ ca: pem }, false, 'tls is given for a plain connection; expected etcds://'],
      [{ cert: pem }, true, 'tls.cert is given alone; expected cert and key together'],
      [{ key: pem }, true, 'tls.key is given alone; expected cert and key together'],
      [
        { ca: 'ca.pem' },
        true,
        "tls.ca holds no PEM block; expected the file's contents, not its name",
      ],
      [
        { cert: 7, key: pem },
        true,
        "tls.cert holds no PEM block; expected the file's contents, not its name",
      ],
      [
        { key: new Uint8Array([1]) },
        true,
        "tls.key holds no PEM block; expected the file's contents, not its name",
      ],
      [
        { keys: pem },
        true,
        'unknown key "tls.keys"; did you mean "tls.key"? (known: ca, cert, key)',
      ],
      ['ca.pem', true, 'tls is "ca.pem"; expected an object of ca, cert, key'],
    ])('refuses %j, secure: %s', (value, secure, message) => {
      expect(messageOf(() => check.tls(value, secure, 'etcds://'))).toBe(message)
    })
  })
})
