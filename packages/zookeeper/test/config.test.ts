import { describe, expect, it } from 'vitest'
import { validateZooKeeperConfig, zookeeper } from '../src/index.ts'

const hosts = ['10.0.0.1:2181']

describe('validateZooKeeperConfig', () => {
  it('fills in the port, and freezes a copy', () => {
    const config = validateZooKeeperConfig({ hosts: ['a.example', 'a.example:2181', '[::1]:99'] })
    expect(config).toEqual({ hosts: ['a.example:2181', '[::1]:99'] })
    expect(Object.isFrozen(config)).toBe(true)
    expect(Object.isFrozen(config.hosts)).toBe(true)
  })

  it('accepts a path as namespace, with or without a leading slash, and credentials', () => {
    const given = { hosts, namespace: '/a/b', username: 'u', password: 'p:q', worldReadable: false }
    expect(validateZooKeeperConfig(given)).toEqual({ ...given, namespace: 'a/b' })
  })

  it('accepts a login by SASL', () => {
    const given = { hosts, username: 'u', password: 'p', auth: 'sasl' } as const
    expect(validateZooKeeperConfig(given)).toEqual(given)
  })

  it('accepts TLS with the authorities of Node, a name, and names of files', () => {
    const given = {
      hosts,
      tls: { serverName: 'zk.example' },
      tlsFiles: { ca: '/etc/ca.pem', cert: 'c.pem', key: 'k.pem' },
    }
    expect(validateZooKeeperConfig(given)).toEqual(given)
    expect(validateZooKeeperConfig({ hosts, tls: {} })).toMatchObject({ tls: {} })
  })

  it('accepts a heartbeat in a worker', () => {
    const given = { hosts, heartbeat: 'worker', maxBlockMs: 30_000 }
    expect(validateZooKeeperConfig(given)).toEqual(given)
  })

  it.each([
    [undefined, 'the configuration is undefined'],
    [{}, 'hosts is undefined'],
    [{ hosts: [] }, 'hosts is a list; expected a list of one or more host:port'],
    [{ hosts: ['http://h:1'] }, 'hosts holds "http://h:1"'],
    [{ hosts: ['h:0'] }, 'hosts holds'],
    [{ hosts: ['h:70000'] }, 'hosts holds'],
    [{ hosts: ['h:2181/x'] }, 'with no scheme, path'],
    [{ hosts: [5] }, 'hosts holds 5'],
    [{ hosts, namespace: '' }, 'namespace is ""'],
    [{ hosts, namespace: 'a//b' }, 'namespace is "a//b"'],
    [{ hosts, namespace: 'a/..' }, 'namespace is'],
    [{ hosts, namespace: 'a/' }, 'namespace is'],
    [{ hosts, namespace: 'a\u0001b' }, 'namespace is'],
    [{ hosts, namespace: 'zookeeper/x' }, 'not below zookeeper'],
    [{ hosts, username: 'u' }, 'username is given alone'],
    [{ hosts, password: 'p' }, 'password is given alone'],
    [{ hosts, username: 'u:v', password: 'p' }, 'username contains a colon'],
    [{ hosts, auth: 'sasl' }, 'auth is "sasl"; expected username and password with it'],
    [
      { hosts, username: 'u', password: 'p', auth: 'kerberos' },
      'auth is "kerberos"; expected "digest" or "sasl"',
    ],
    [{ hosts, worldReadable: 'no' }, 'worldReadable is "no"; expected true or false'],
    [{ hosts, tls: true }, 'tls is true; expected an object'],
    [{ hosts, tls: { ca: 'ca.pem' } }, 'tls.ca holds no PEM block'],
    [{ hosts, tls: { serverName: '' } }, 'tls.serverName is ""'],
    [{ hosts, tls: { name: 'x' } }, 'unknown key "tls.name"'],
    [{ hosts, tlsFiles: { ca: '' } }, 'tlsFiles.ca is ""; expected a file\'s name'],
    [{ hosts, tlsFiles: { cert: 'c.pem' } }, 'tlsFiles.cert is given alone'],
    [{ hosts, tlsFiles: { chain: 'c.pem' } }, 'unknown key "tlsFiles.chain"'],
    [{ hosts, host: 'x' }, 'unknown key "host"'],
    [{ hosts, heartbeat: 'thread' }, 'heartbeat is "thread"; expected loop or worker'],
    [{ hosts, maxBlockMs: 1 }, "maxBlockMs is given without heartbeat: 'worker'"],
  ])('refuses %j', (given, message) => {
    const refused = expect.objectContaining({
      code: 'invalid-config',
      message: expect.stringContaining(message) as string,
    }) as Error
    expect(() => validateZooKeeperConfig(given)).toThrow(refused)
  })

  it('never shows a credential', () => {
    for (const given of [
      { hosts, username: 'u', password: 5 },
      { hosts, password: 'hunter2' },
      { hosts, username: 'hunter2:x', password: 'hunter2' },
      { hosts: ['u:hunter2@h:1'], username: 'u' },
    ])
      expect(() => zookeeper(given as never)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('hunter2 ') as string }),
      )
  })
})
