import { kratosFormat } from '@sd/core/driver'
import { createRegistry, type ServiceInstance } from '@sd/registry'
import { expect, test } from 'vitest'
import { Mirror, type MirrorEvent } from '../src/copy/mirror.ts'

const instance = (
  weight: number,
  endpoints: readonly string[] = ['http://h:1'],
): ServiceInstance => ({
  service: 'orders',
  id: 'a',
  endpoints,
  weight,
  health: 'passing',
  tags: [],
  metadata: {},
})

test('an instance that cannot be registered is reported, and does not stop the other copies', async () => {
  await using target = await createRegistry('memory:mirror-refused')
  const events: MirrorEvent[] = []
  const mirror = new Mirror(target, (event) => events.push(event))
  // like a record of Kratos for a service that only calls others
  await mirror.want(instance(1, []))
  expect(events.map(({ type, cause }) => [type, cause?.code])).toEqual([
    ['failed', 'invalid-argument'],
  ])
  expect(mirror.size).toBe(0)
  await mirror.want(instance(2))
  await mirror.want(instance(3, ['http://0.0.0.0:1']))
  expect(events.slice(1).map(({ type }) => type)).toEqual(['copied', 'failed'])
  expect(mirror.size).toBe(1)
  expect((await target.list('orders')).map(({ weight }) => weight)).toEqual([2])
})

test('an update during the registration of a copy is applied to it', async () => {
  await using target = await createRegistry('memory:mirror-at-once')
  const events: MirrorEvent[] = []
  const mirror = new Mirror(target, (event) => events.push(event))
  await Promise.all([
    mirror.want(instance(1)),
    mirror.want(instance(2)),
    mirror.drop('orders', 'a'),
  ])
  expect(await target.list('orders')).toEqual([])
  expect(mirror.size).toBe(0)
})

test('an instance that the format of the target cannot express is reported', async () => {
  await using target = await createRegistry({
    backend: 'memory',
    store: 'mirror-format',
    format: kratosFormat,
  })
  const events: MirrorEvent[] = []
  const mirror = new Mirror(target, (event) => events.push(event))
  await mirror.want({ ...instance(1), id: 'a/b' })
  await mirror.want(instance(2))
  expect(events.map(({ type, cause }) => [type, cause?.code])).toEqual([
    ['failed', 'unsupported'],
    ['copied', undefined],
  ])
})
