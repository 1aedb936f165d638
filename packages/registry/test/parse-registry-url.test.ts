import { RegistryError } from '@sd/core'
import { describe, expect, test } from 'vitest'
import { backendNames } from '../src/backends.ts'
import { parseRegistryUrl } from '../src/parse-registry-url.ts'
import { createChance } from './chance.ts'

const known = backendNames.join(', ')

const outcomeOf = (url: string): unknown => {
  try {
    return parseRegistryUrl(url)
  } catch (error) {
    return error
  }
}

const refusal = (url: string): RegistryError => {
  const outcome = outcomeOf(url)
  expect(outcome).toBeInstanceOf(RegistryError)
  return outcome as RegistryError
}

describe('a registry URL', () => {
  test.each([
    ['memory:', { backend: 'memory' }],
    ['memory:orders', { backend: 'memory', store: 'orders' }],
    ['memory:a%2Fb%20c', { backend: 'memory', store: 'a/b c' }],
    ['memory:?ttl=1s', { backend: 'memory', ttlMs: 1_000 }],
    ['memory:x?namespace=blue', { backend: 'memory', store: 'x', namespace: 'blue' }],
    ['MEMORY:', { backend: 'memory' }],
    ['sqlite:', { backend: 'sqlite' }],
    ['sqlite:///var/lib/sd.db', { backend: 'sqlite', path: '/var/lib/sd.db' }],
    ['sqlite:///a%20b%3F/sd.db?ttl=1s', { backend: 'sqlite', path: '/a b?/sd.db', ttlMs: 1_000 }],
    ['sqlite:///C:/sd.db', { backend: 'sqlite', path: 'C:/sd.db' }],
    ['sqlite:?namespace=blue', { backend: 'sqlite', namespace: 'blue' }],
    ['etcd://h1', { backend: 'etcd', endpoints: ['http://h1:2379'] }],
    ['etcd://h1/', { backend: 'etcd', endpoints: ['http://h1:2379'] }],
    ['ETCD://h1:1', { backend: 'etcd', endpoints: ['http://h1:1'] }],
    [
      'etcd://h1:2379,h2:2380/services?ttl=10s',
      {
        backend: 'etcd',
        endpoints: ['http://h1:2379', 'http://h2:2380'],
        namespace: 'services',
        ttlMs: 10_000,
      },
    ],
    [
      'etcd://u%40x:p%3A%2F%2C%23%3F@[::1],[2001:db8::7]:99,10.0.0.7/a/b%25/',
      {
        backend: 'etcd',
        endpoints: ['http://[::1]:2379', 'http://[2001:db8::7]:99', 'http://10.0.0.7:2379'],
        username: 'u@x',
        password: 'p:/,#?',
        namespace: 'a/b%',
      },
    ],
    [
      'etcd://user:p:w,x@h_1.example.',
      {
        backend: 'etcd',
        endpoints: ['http://h_1.example.:2379'],
        username: 'user',
        password: 'p:w,x',
      },
    ],
    [
      'zookeeper://u:p@h1,h2:2182/a/b?world-readable=false',
      {
        backend: 'zookeeper',
        hosts: ['h1:2181', 'h2:2182'],
        namespace: 'a/b',
        username: 'u',
        password: 'p',
        worldReadable: false,
      },
    ],
    [
      'zookeeper://u:p@h?auth=sasl',
      { backend: 'zookeeper', hosts: ['h:2181'], username: 'u', password: 'p', auth: 'sasl' },
    ],
    ['zookeeper://[::1]?tls=false', { backend: 'zookeeper', hosts: ['[::1]:2181'] }],
    ['zookeeper://h?tls=true', { backend: 'zookeeper', hosts: ['h:2181'], tls: {} }],
    [
      'zookeeper://h:2281?tls=true&ca=ca.pem&server-name=zk.example',
      {
        backend: 'zookeeper',
        hosts: ['h:2281'],
        tls: { serverName: 'zk.example' },
        tlsFiles: { ca: 'ca.pem' },
      },
    ],
    ['consul://h', { backend: 'consul', endpoint: 'http://h:8500' }],
    [
      'consul://:t0ken@h:1/blue?tls=true&ca=ca.pem&datacenter=dc1&consistency=stale',
      {
        backend: 'consul',
        endpoint: 'https://h:1',
        namespace: 'blue',
        token: 't0ken',
        datacenter: 'dc1',
        consistency: 'stale',
        tlsFiles: { ca: 'ca.pem' },
      },
    ],
    [
      'consul://:t0ken@/blue?socket=/run/consul.sock',
      { backend: 'consul', endpoint: 'unix:///run/consul.sock', namespace: 'blue', token: 't0ken' },
    ],
    ['consul://?socket=/s', { backend: 'consul', endpoint: 'unix:///s' }],
    ['etcd://h?tls=true', { backend: 'etcd', endpoints: ['https://h:2379'] }],
    ['etcd://h?tls=false', { backend: 'etcd', endpoints: ['http://h:2379'] }],
    [
      'etcd://h?tls=true&ca=/etc/a%20b.pem&cert=c.pem&key=k+1.pem',
      {
        backend: 'etcd',
        endpoints: ['https://h:2379'],
        tlsFiles: { ca: '/etc/a b.pem', cert: 'c.pem', key: 'k+1.pem' },
      },
    ],
    [
      'memory:?ttl=1m&call-timeout=500ms&close-timeout=1.1s&backoff-min=0s&backoff-max=1h&hold=30s&max-fraction=.25&min-instances=5',
      {
        backend: 'memory',
        ttlMs: 60_000,
        callTimeoutMs: 500,
        closeTimeoutMs: 1_100,
        backoff: { minMs: 0, maxMs: 3_600_000 },
        lossProtection: { holdMs: 30_000, maxFraction: 0.25, minInstances: 5 },
      },
    ],
    [
      'etcd://h?heartbeat=worker&max-block=1m',
      {
        backend: 'etcd',
        endpoints: ['http://h:2379'],
        heartbeat: 'worker',
        maxBlockMs: 60_000,
      },
    ],
    ['memory:?loss-protection=false', { backend: 'memory', lossProtection: false }],
    [
      'memory:?loss-protection=true&hold=1m',
      { backend: 'memory', lossProtection: { holdMs: 60_000 } },
    ],
  ])('%s', (url, config) => {
    expect(parseRegistryUrl(url)).toEqual(config)
  })

  test.each([
    ['', 1, 'it is empty'],
    ['etcd', 1, 'no scheme'],
    ['//h', 1, 'no scheme'],
    ['1etcd://h', 1, 'no scheme'],
    ['etc://h', 1, `unknown backend "etc"; did you mean "etcd"? (known: ${known})`],
    ['etcds://h', 1, `did you mean "etcd"? (known: ${known}); TLS is enabled with ?tls=true`],
    ['etcd+https://h', 1, 'TLS is enabled with ?tls=true'],
    ['constructor://h', 1, `unknown backend "constructor" (known: ${known})`],
    ['etcd:', 6, 'expected // and a host'],
    ['etcd:h1', 6, 'expected // and a host'],
    ['etcd:/h1', 6, 'expected // and a host'],
    ['etcd://', 8, 'expected a host'],
    ['etcd:///services', 8, 'expected a host'],
    ['etcd://:2379', 8, 'expected a host'],
    ['etcd://h1,', 11, 'expected a host'],
    ['etcd://h1,,h2', 11, 'expected a host'],
    ['etcd://h1,:1', 11, 'expected a host'],
    ['etcd://h1:', 11, 'the port is missing; expected 1 to 65535'],
    ['etcd://h1:0', 11, 'the port is 0'],
    ['etcd://h1:65536', 11, 'the port is 65536'],
    ['etcd://h1:2,h2:x', 16, 'the port is not a number'],
    ['etcd://h1:-1', 11, 'the port is not a number'],
    ['etcd://h1:1e3', 11, 'the port is not a number'],
    ['etcd://h1:1:2', 11, 'the port is not a number'],
    ['etcd://h!1', 9, '"!" is not allowed in a host'],
    ['etcd://bücher', 9, '"ü" is not allowed in a host'],
    ['etcd://%68', 8, '"%" is not allowed in a host'],
    ['etcd://a..b', 8, 'not a host name'],
    ['etcd://-a', 8, 'not a host name'],
    ['etcd://1.2.3', 8, 'not an IPv4 address'],
    ['etcd://256.0.0.1', 8, 'not an IPv4 address'],
    [`etcd://${'a.'.repeat(127)}`, 8, 'the host is 254 characters long'],
    ['etcd://[::1', 8, 'a [ is not closed'],
    ['etcd://[::1]x', 13, 'expected : and a port after ]'],
    ['etcd://[::1]:', 14, 'the port is missing'],
    ['etcd://[h]', 9, 'expected an IPv6 address without a zone'],
    ['etcd://[fe80::1%25eth0]', 9, 'without a zone'],
    ['etcd://::1', 8, 'an IPv6 address needs brackets'],
    ['etcd://@h', 8, 'expected user:password before the @'],
    ['etcd://:@h', 8, 'expected user:password before the @'],
    ['etcd://u:p@', 12, 'expected a host'],
    ['consul:///services', 8, 'expected // and a host'],
    ['consul://h1,h2', 8, 'expected one host'],
    ['consul://t0ken@h', 8, 'a token is written //:token@host'],
    ['consul://h?socket=/s', 8, 'socket cannot be combined with a host'],
    ['consul://?socket=/s&tls=true', 8, 'socket cannot be combined with a host'],
    ['etcd://u:s3cret@x@h', 16, 'an @ in a user or password is written %40'],
    ['etcd://u:s3cret/x@h', 18, 'an @ after the hosts is written %40'],
    ['etcd://u:s3cret?x@h', 18, 'an @ after the hosts is written %40'],
    ['etcd://u:s3cret#x@h', 16, 'written %23'],
    ['etcd://u:s3%cret@h', 12, 'a % in the password is not followed by two hex digits'],
    ['etcd://u:s3cret%ff@h', 10, 'the percent-encoded password is not UTF-8'],
    ['etcd://u%00:p@h', 8, 'the user contains an encoded control character'],
    ['etcd://u:s3cret', 10, 'the port is not a number'],
    ['etcd://u:s3cret,h2', 10, 'the port is not a number'],
    ['etcd://h/a//b', 12, 'the namespace has an empty part'],
    ['etcd://h//', 10, 'the namespace has an empty part'],
    ['etcd://h/a%2', 11, 'a % in the namespace'],
    ['etcd://h/a b', 11, 'must be percent-encoded'],
    [' etcd://h', 1, 'must be percent-encoded'],
    ['etcd://h\n', 9, 'must be percent-encoded'],
    ['etcd://h?', 10, 'expected key=value after the ?'],
    ['etcd://h?&', 10, 'expected key=value'],
    ['etcd://h?ttl=1s&', 17, 'expected key=value'],
    ['etcd://h?=1', 10, 'expected key=value'],
    ['etcd://h?ttl', 10, 'expected a value: ttl=...'],
    ['etcd://h?ttl=', 14, 'ttl is ""; expected a duration'],
    ['etcd://h?ttl=10', 14, 'ttl is "10"; expected a duration of whole milliseconds: 500ms, 10s'],
    ['etcd://h?ttl=-1s', 14, 'ttl is "-1s"'],
    ['etcd://h?ttl=0.5ms', 14, 'ttl is "0.5ms"'],
    ['etcd://h?ttl=1s&ttl=2s', 17, 'ttl is given twice'],
    ['etcd://h?ttlMs=1', 10, 'unknown key "ttlMs"; did you mean "ttl"?'],
    ['etcd://h?closeTimeout=1s', 10, 'did you mean "close-timeout"?'],
    ['etcd://h?constructor=1', 10, 'unknown key "constructor"'],
    ['etcd://h?password=s3cret', 10, 'credentials belong before the host'],
    ['etcd://h?max-fraction=1.5', 23, 'expected a number from 0 to 1'],
    ['etcd://h?max-fraction=NaN', 23, 'expected a number from 0 to 1'],
    ['etcd://h?min-instances=1.5', 24, 'expected a whole number'],
    ['etcd://h?tls=yes', 14, 'tls is "yes"; expected true or false'],
    ['zookeeper://h?ca=a.pem', 11, 'ca is given without tls=true'],
    ['zookeeper://h?server-name=a', 11, 'server-name is given without tls=true'],
    ['etcd://h?ca=a.pem', 6, 'ca is given without tls=true'],
    ['etcd://h?tls=false&key=a.pem', 6, 'key is given without tls=true'],
    ['etcd://h?tls=true&ca=', 22, 'expected a text'],
    ['memory:?tls=true', 9, 'unknown key "tls"'],
    ['memory:?u:s3cret=1', 9, 'unknown key with unusual characters'],
    ['etcd:u?:s3cret@h', 15, 'an @ after the hosts'],
    [
      'memory:?loss-protection=false&hold=1s',
      9,
      'hold cannot be combined with loss-protection=false',
    ],
    ['sqlite:sd.db', 8, 'expected nothing, or three slashes and the path of a file'],
    ['sqlite://host/sd.db', 8, 'three slashes'],
    ['sqlite:////sd.db', 8, 'three slashes'],
    ['sqlite:///', 8, 'three slashes'],
    ['sqlite:///var/lib/', 8, 'three slashes'],
    ['sqlite:///a%zz', 12, 'a % in the path'],
    ['sqlite:?tls=true', 9, 'unknown key "tls"'],
    ['memory://', 8, 'this backend has no host and no path'],
    ['memory:a/b', 9, 'this backend has no host and no path'],
  ])('%s is refused at character %i', (url, character, problem) => {
    const error = refusal(url)
    expect(error.code).toBe('invalid-config')
    expect(error.message).toContain(`registry URL, character ${character}: `)
    expect(error.message).toContain(problem)
    expect(error.message).not.toContain('s3cret')
  })

  test('with lone surrogates is refused', () => {
    expect(refusal('memory:\ud800').message).toContain('not well-formed')
  })
})

describe('any generated URL', () => {
  test('is parsed to its parts', () => {
    const chance = createChance(1)
    for (let round = 0; round < 2_000; round++) {
      const hosts = chance.list(1, 4, () => ({ host: chance.host(), port: chance.port() }))
      const [user, password] = [chance.text(), chance.text()]
      const namespace = chance.list(1, 3, () => chance.text()).join('/')
      const ttlMs = chance.integer(1, 100_000)
      const encode = encodeURIComponent
      const url =
        `etcd://${encode(user)}:${encode(password)}@` +
        hosts.map(({ host, port }) => host + (port === undefined ? '' : `:${port}`)).join(',') +
        `/${namespace.split('/').map(encode).join('/')}?ttl=${ttlMs}ms`
      expect(parseRegistryUrl(url), url).toEqual({
        backend: 'etcd',
        endpoints: hosts.map(({ host, port = 2379 }) => `http://${host}:${port}`),
        username: user,
        password,
        namespace,
        ttlMs,
      })
    }
  })

  test('is parsed, or refused with a position, and never shows the password', () => {
    const chance = createChance(2)
    const secret = 'Tr0ub4dor'
    const url = `etcd://user:${secret}@h1:2379,[::1]:2380/services?ttl=10s&tls=true&ca=/a.pem`
    let refused = 0
    for (let round = 0; round < 5_000; round++) {
      const broken = chance.break(url)
      const outcome = outcomeOf(broken)
      if (outcome instanceof Error) refused++
      expect(outcome, broken).toSatisfy(
        (value) =>
          !(value instanceof Error) ||
          (value instanceof RegistryError &&
            value.code === 'invalid-config' &&
            /registry URL, character \d+: /.test(value.message) &&
            (!broken.includes(secret) || !value.message.includes(secret))),
      )
    }
    expect(refused).toBeGreaterThan(1_000)
  })
})
