import { expect, test } from 'vitest'
import { consul, etcd, zookeeper } from '../src/index.ts'
import { wantedRelease } from '../src/releases/wanted-release.ts'

test.each([
  [etcd, {}, undefined],
  [etcd, { SD_TEST_VERSIONS: 'current' }, '3.7.3'],
  [etcd, { SD_TEST_VERSIONS: 'current', SD_TEST_ETCD_VERSION: '3.6' }, '3.6.9'],
  [etcd, { SD_TEST_ETCD_VERSION: '3.7.3' }, '3.7.3'],
  [zookeeper, { SD_TEST_ETCD_VERSION: '3.7.3' }, undefined],
  [zookeeper, { SD_TEST_ZOOKEEPER_VERSION: 'current' }, '3.9.5'],
  [consul, { SD_TEST_VERSIONS: 'current' }, undefined],
  [consul, { SD_TEST_CONSUL_VERSION: '1.19' }, '1.19.2'],
  [consul, { SD_TEST_CONSUL_VERSION: 'current' }, '1.19.2'],
])('of $name with %j it is %s', (server, env, version) => {
  expect(wantedRelease(server, env)?.version).toBe(version)
})

test('that is unknown is refused, with the known ones', () => {
  expect(() => wantedRelease(etcd, { SD_TEST_ETCD_VERSION: '3.' })).toThrow(
    'SD_TEST_ETCD_VERSION=3. is unknown; expected one of 3.7.3, 3.6.9',
  )
  expect(() => wantedRelease(etcd, { SD_TEST_VERSIONS: '3.7' })).toThrow(
    "SD_TEST_VERSIONS=3.7: expected 'current'; SD_TEST_ETCD_VERSION names one version",
  )
})
