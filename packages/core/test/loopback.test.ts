import type { RegistryDriver } from '@sd/core/driver'
import { expect, test } from 'vitest'
import { createLoopbackWarning } from '../src/loopback.ts'
import type { RegistryContext } from '../src/registry-context.ts'

/** The warnings that instances with these endpoints cause, one after the other. */
const warningsOf = (servers: readonly string[] | undefined, ...instances: readonly string[][]) => {
  const published: unknown[][] = []
  const warn = createLoopbackWarning({
    driver: { servers } as unknown as RegistryDriver,
    backend: 'etcd',
    publish: (...line) => published.push(line),
  } as Partial<RegistryContext> as RegistryContext)
  for (const [index, endpoints] of instances.entries())
    warn({
      service: 'orders',
      id: String(index),
      endpoints,
      weight: 1,
      health: 'passing',
      tags: [],
      metadata: {},
    })
  return published
}

test('warns of the first instance that other machines cannot reach, once', () => {
  const published = warningsOf(
    ['10.0.0.1:2379', '127.0.0.1:2379'],
    ['http://10.0.0.7:80', 'http://[fe80::1]:80'],
    ['http://10.0.0.7:80', 'http://127.0.0.1:80'],
    ['http://localhost:80'],
  )
  expect(published).toEqual([
    [
      'registration',
      'warn',
      'loopback-endpoint',
      'orders/1 is registered on etcd with http://127.0.0.1:80, which other machines cannot reach; use an address of this machine, such as localAddress() returns',
      { service: 'orders', id: '1', endpoint: 'http://127.0.0.1:80' },
    ],
  ])
})

test.each([
  ['http://127.1.2.3:80', 1],
  ['http://[::1]:80', 1],
  ['http://orders.localhost', 1],
  ['unix:///run/orders.sock', 1],
  ['localhost:80', 1],
  ['http://localhost.example.com', 0],
  ['http://10.0.0.1/localhost', 0],
  ['http://h:80/unix:', 0],
  ['http://[', 0],
])('of %s it warns %i times', (endpoint, times) => {
  expect(warningsOf(['etcd.example.com:2379'], [endpoint])).toHaveLength(times)
})

test.each([
  [undefined, 0],
  [[], 0],
  [['127.0.0.1:2379', 'unix:///run/etcd.sock', 'http://localhost:2379'], 0],
  [['127.0.0.1:2379', 'etcd:2379'], 1],
  [['etcd:2379', 'etcd2:2379'], 1],
])('with servers at %j it warns %i times', (servers, times) => {
  expect(warningsOf(servers, ['http://localhost:80'])).toHaveLength(times)
})
