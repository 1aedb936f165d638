import { describe, expect, test } from 'vitest'
import { parseServiceTarget } from '../src/index.ts'
import { authorityOf } from '../src/resolver/authority.ts'
import { grpcAddress } from '../src/resolver/grpc-address.ts'

describe('parseServiceTarget', () => {
  test.each([
    ['sd:///orders', { service: 'orders', picker: {} }],
    ['other.registry:///orders', { service: 'orders', picker: {} }],
    ['sd:///team%2Forders%20%C3%BC', { service: 'team/orders ü', picker: {} }],
    [
      'sd:///orders?version=%5E1.4.0+build&tag=canary&tag=gpu&metadata.commit=a%3Db&zone=eu-1a',
      {
        service: 'orders',
        picker: {
          zone: 'eu-1a',
          filter: {
            version: '^1.4.0+build',
            tags: ['canary', 'gpu'],
            metadata: { commit: 'a=b' },
          },
        },
      },
    ],
    [
      'sd:///orders?strategy=consistent-hash&subset=20&scheme=grpcs&authority=orders.example&key=x-user',
      {
        service: 'orders',
        picker: { strategy: 'consistent-hash', subset: { size: 20 } },
        scheme: 'grpcs',
        authority: 'orders.example',
        key: 'x-user',
      },
    ],
    [
      'sd:///orders?version=>=1 <2',
      { service: 'orders', picker: { filter: { version: '>=1 <2' } } },
    ],
  ])('%s', (target, expected) => {
    expect(parseServiceTarget(target)).toEqual(expected)
  })

  test.each([
    ['orders', 'the target is "orders"; expected a scheme and a service, like sd:///orders'],
    ['sd:orders', 'expected three slashes before the service'],
    ['sd:/orders', 'expected three slashes before the service'],
    ['sd://orders', 'the target has the authority "orders"; expected none: three slashes'],
    ['sd://eu/orders', 'a second registry has a scheme of its own'],
    ['sd:///', 'sd:/// names no service; expected its name after it'],
    ['sd:///?version=1', 'sd:/// names no service'],
    ['sd:///a/b', 'the service is "a/b"; expected one name'],
    ['sd:///a%', 'the service is "a%"; expected percent-encoding'],
    ['sd:///a%ff', 'expected percent-encoding of UTF-8'],
    [`sd:///${'a'.repeat(256)}`, 'has 256 bytes; expected at most 255'],
    ['sd:///orders?', 'is not key=value'],
    [
      'sd:///orders?version',
      'query part "version" is not key=value; accepted keys are version, zone',
    ],
    ['sd:///orders?version=', 'version has no value; expected version=...'],
    ['sd:///orders?version=1&version=2', 'version is given 2 times; expected once'],
    ['sd:///orders?versio=1', 'query key "versio" is unknown; accepted are version, zone, tag'],
    ['sd:///orders?metadata.=1', 'metadata. names nothing; expected metadata.NAME=VALUE'],
    ['sd:///orders?subset=0', 'subset is "0"; expected how many instances'],
    ['sd:///orders?scheme=GRPC://', 'scheme is "GRPC://"; expected a scheme like grpc or grpcs'],
    ['sd:///orders?authority=a%2Fb', 'authority is "a/b"; expected a host, or host:port'],
    ['sd:///orders?key=X-User', 'key is "X-User"; expected the name of call metadata, lower case'],
    ['sd:///orders?zone=%zz', 'zone is "%zz"; expected percent-encoding'],
  ])('%s is refused', (target, message) => {
    expect(() => parseServiceTarget(target)).toThrow(
      expect.objectContaining({
        code: 'invalid-argument',
        message: expect.stringContaining(message) as string,
      }),
    )
  })
})

test.each([
  ['orders', 'orders'],
  ['orders.example.com', 'orders.example.com'],
  ['team/orders', 'team-orders'],
  ['orders:v2', 'orders-v2'],
  ['999.999.999.999', 'service'],
  ['', 'service'],
])('the authority of %j is %s', (service, authority) => {
  expect(authorityOf(service)).toBe(authority)
  expect(URL.canParse(`http://${authority}`)).toBe(true)
})

describe('grpcAddress', () => {
  const instance = (...endpoints: string[]) => ({
    service: 'orders',
    id: 'a',
    endpoints,
    weight: 1,
    health: 'passing',
    tags: [],
    metadata: {},
  })

  test.each([
    [
      ['http://h:1', 'grpc://10.0.0.7:9090'],
      { host: '10.0.0.7', port: 9090, text: '10.0.0.7:9090', scheme: 'grpc' },
    ],
    [['grpcs://h:1', 'grpc://h:2'], { host: 'h', port: 2, text: 'h:2', scheme: 'grpc' }],
    [['grpcs://h'], { host: 'h', port: 443, text: 'h:443', scheme: 'grpcs' }],
    [['GRPC://[::1]:50051'], { host: '::1', port: 50051, text: '[::1]:50051', scheme: 'grpc' }],
    [['http://h:1'], undefined],
    [['grpc:nonsense'], undefined],
    [['grpc://h:99999'], undefined],
  ])('of %j', (endpoints, address) => {
    expect(grpcAddress(instance(...endpoints), ['grpc', 'grpcs'])).toEqual(address)
  })

  test('an http or https URL without a port has the default port of its scheme', () => {
    expect(grpcAddress(instance('http://h'), ['http'])?.port).toBe(80)
    expect(grpcAddress(instance('https://h'), ['https'])?.port).toBe(443)
  })
})
