import { createCertificates } from '@sd/contract-tests/servers'
import { describe, expect, it } from 'vitest'
import { etcd, validateEtcdConfig } from '../src/index.ts'

const endpoints = ['http://10.0.0.1:2379']
const { ca, server, client } = await createCertificates()
const pem = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n'

describe('validateEtcdConfig', () => {
  it('freezes a copy, without a namespace where none is given', () => {
    const config = validateEtcdConfig({ endpoints })
    expect(config).toEqual({ endpoints })
    expect(Object.isFrozen(config)).toBe(true)
    expect(Object.isFrozen(config.endpoints)).toBe(true)
  })

  it('accepts slashes in the namespace, several endpoints, credentials and TLS', () => {
    const given = {
      endpoints: ['https://a.example:2379', 'https://[::1]:2379'],
      namespace: '/microservices',
      username: 'u',
      password: 'p',
      tls: { ca, cert: Buffer.from(client.cert), key: client.key },
    }
    expect(validateEtcdConfig(given)).toEqual(given)
  })

  it('accepts a heartbeat in a worker', () => {
    const given = { endpoints, heartbeat: 'worker', maxBlockMs: 30_000 }
    expect(validateEtcdConfig(given)).toEqual(given)
  })

  it.each([
    [{ endpoints, heartbeat: 'thread' }, 'heartbeat is "thread"; expected loop or worker'],
    [{ endpoints, maxBlockMs: 1 }, "maxBlockMs is given without heartbeat: 'worker'"],
    [undefined, 'the configuration is undefined'],
    [{}, 'endpoints is undefined'],
    [{ endpoints: [] }, 'endpoints is a list; expected a list of one or more URLs'],
    [{ endpoints: ['10.0.0.1:2379'] }, 'endpoints holds "10.0.0.1:2379"'],
    [{ endpoints: ['http://h'] }, 'expected http://host:port'],
    [{ endpoints: ['http://h:0'] }, 'endpoints holds'],
    [{ endpoints: ['http://h:70000'] }, 'endpoints holds'],
    [{ endpoints: ['http://h:1/path'] }, 'with no path'],
    [{ endpoints: [5] }, 'endpoints holds 5'],
    [{ endpoints: ['http://a:1', 'https://b:1'] }, 'mixes http: and https:'],
    [{ endpoints, namespace: '' }, 'namespace is ""'],
    [{ endpoints, namespace: 'a/' }, 'namespace is "a/"'],
    [{ endpoints, username: 'u' }, 'username is given alone'],
    [{ endpoints, password: 'secret' }, 'password is given alone'],
    [{ endpoints, username: '', password: 'x' }, 'username is not a non-empty string'],
    [{ endpoints, tls: {} }, 'tls is given for a plain connection; expected https: endpoints'],
    [{ endpoints: ['https://h:1'], tls: 'x' }, 'tls is "x"'],
    [{ endpoints: ['https://h:1'], tls: { ca: '/etc/ca.pem' } }, 'tls.ca holds no PEM block'],
    [{ endpoints: ['https://h:1'], tls: { cert: pem } }, 'tls.cert is given alone'],
    [{ endpoints: ['https://h:1'], tls: { ca: pem } }, 'tls.ca is not a PEM certificate'],
    [
      { endpoints: ['https://h:1'], tls: { cert: client.cert, key: server.key } },
      'tls.cert and tls.key are not a PEM certificate and its private key: OpenSSL reports "key values mismatch"',
    ],
    [{ endpoints: ['https://h:1'], tls: { cerd: pem } }, 'did you mean "tls.cert"'],
    [{ endpoints, endpoint: 'x' }, 'unknown key "endpoint"; did you mean "endpoints"'],
    [{ endpoints, nameSpace: 'x' }, 'did you mean "namespace"'],
  ])('refuses %j', (given, message) => {
    expect(() => validateEtcdConfig(given)).toThrow(
      expect.objectContaining({
        code: 'invalid-config',
        message: expect.stringContaining(message),
      }),
    )
  })

  it('never shows a password', () => {
    for (const given of [
      { endpoints: ['http://user:hunter2@h:1'] },
      { endpoints, password: 'hunter2' },
      { endpoints, username: 'u', password: ['hunter2'] },
    ])
      expect(() => validateEtcdConfig(given)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
      )
  })
})

describe('etcd', () => {
  it('refuses an invalid configuration before it creates anything', () => {
    expect(() => etcd({ endpoints: [] })).toThrow(/invalid-config/)
  })
})
