import { Registry } from '@sd/core'
import { instance } from '@sd/contract-tests/world'
import { expect, test } from 'vitest'
import { zookeeper } from '../src/index.ts'
import { RecordingHost } from './client/recording-host.ts'

const ttlMs = 30_000

test.each([
  ['a registration', (registry: Registry) => registry.register(instance('1'))],
  ['1,000 registrations', (registry: Registry) => registerMany(registry)],
  ['a list', (registry: Registry) => registry.list('orders')],
  ['a list of services', (registry: Registry) => registry.listServices()],
  ['a watch', (registry: Registry) => firstEvent(registry)],
] as const)('%s on a server before 3.6 is refused, and names its version', async (_, use) => {
  await using host = await RecordingHost.of(0x17n, ttlMs, '3.5.10')
  await using registry = new Registry(zookeeper({ hosts: [host.endpoint] }), { ttlMs })
  await expect(use(registry)).rejects.toMatchObject({
    code: 'unsupported',
    retryable: false,
    message: expect.stringContaining(
      `ZooKeeper 3.5.10 at ${host.endpoint}; 3.6 or later is needed`,
    ) as string,
  })
})

const registerMany = (registry: Registry): Promise<unknown> =>
  Promise.all(Array.from({ length: 1_000 }, (_, at) => registry.register(instance(`${at}`))))

const firstEvent = async (registry: Registry): Promise<unknown> => {
  for await (const event of registry.watch('orders')) return event
  return undefined
}
