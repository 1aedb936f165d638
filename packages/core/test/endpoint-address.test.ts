import { addressOf, bareHost, preferredAddress, urlHost } from '@sd/core/driver'
import { expect, test } from 'vitest'
import { noAddress } from '../src/driver/endpoint-address.ts'

test.each([
  ['grpc://10.0.0.1:9090', { scheme: 'grpc', host: '10.0.0.1', port: 9090 }],
  ['https://api.example', { scheme: 'https', host: 'api.example', port: 443 }],
  ['http://[::1]:80/path', { scheme: 'http', host: '[::1]', port: 80 }],
  ['grpc://10.0.0.1', undefined],
  ['no url', undefined],
  ['unix:///run/x.sock', undefined],
])('addressOf(%j)', (endpoint, address) => {
  expect(addressOf(endpoint)).toEqual(address)
})

test('preferredAddress takes the first of the schemes, else the first endpoint with a port', () => {
  const endpoints = ['http://a:1', 'grpcs://b:2', 'grpc://c:3']
  expect(preferredAddress(endpoints, ['grpc', 'grpcs'])?.port).toBe(3)
  expect(preferredAddress(endpoints, ['grpcs', 'grpc'])?.port).toBe(2)
  expect(preferredAddress(endpoints, ['ftp'])?.port).toBe(1)
  expect(preferredAddress(['grpc://a', 'tcp://b:4'], ['grpc'])?.port).toBe(4)
  expect(preferredAddress(['grpc://a'], ['grpc'])).toBeUndefined()
})

test('IPv6 is in brackets in a URL, and only there', () => {
  expect(['::1', '[::1]', '10.0.0.1', 'a.example'].map(urlHost)).toEqual([
    '[::1]',
    '[::1]',
    '10.0.0.1',
    'a.example',
  ])
  expect(['[::1]', '::1', 'a'].map(bareHost)).toEqual(['::1', '::1', 'a'])
})

test('an instance without any address is named with what is expected', () => {
  expect(noAddress({ endpoints: ['grpc://a', 'grpc://b:1'] })).toBeUndefined()
  expect(noAddress({ endpoints: ['grpc://a'] })).toBe(
    'its endpoint "grpc://a" names no port; expected one like grpc://10.0.0.7:9090',
  )
})
