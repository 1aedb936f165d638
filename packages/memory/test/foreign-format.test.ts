import { eventually } from '@sd/contract-tests'
import { Registry } from '@sd/core'
import { jsonFormat, kratosFormat, type WireFormat } from '@sd/core/driver'
import { memory, MemoryStore } from '@sd/memory'
import { MemoryFaults } from '@sd/memory/faults'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const ttlMs = 400
/** As Kratos writes it: without a claim, and without a comparison. */
const theirs = Buffer.from(
  '{"id":"x","name":"orders","version":"9","metadata":null,"endpoints":["http://10.0.0.9:1"]}',
)

let store: MemoryStore
let faults: MemoryFaults
const registries: Registry[] = []
const registry = (format: WireFormat = kratosFormat): Registry => {
  const made = new Registry(memory({ store }), {
    ttlMs,
    format,
    backoff: { minMs: 5, maxMs: 50 },
  })
  registries.push(made)
  return made
}
const instance = { service: 'orders', id: 'x', endpoints: ['http://10.0.0.1:8080'] }

beforeEach(() => {
  store = new MemoryStore()
  faults = new MemoryFaults(store, { format: kratosFormat })
})
afterEach(async () => {
  await Promise.all(registries.splice(0).map((each) => each.close()))
})

describe('in a format that other programs write, too', () => {
  test('a record of theirs supersedes a registration, which does not fight for its id', async () => {
    const one = registry()
    const registration = await one.register(instance)
    faults.writeRaw('orders', 'x', theirs)
    await eventually(
      'it is superseded',
      ttlMs * 3,
      () => registration.status.state === 'superseded',
    )
    expect(registration.status.cause?.code).toBe('conflict')
    expect(await one.list('orders')).toMatchObject([{ id: 'x', version: '9' }])
  })

  test('a record of theirs that replaced ours during an outage stays', async () => {
    const one = registry()
    const registration = await one.register(instance)
    faults.wipe()
    faults.writeRaw('orders', 'x', theirs)
    await eventually(
      'it is superseded',
      ttlMs * 6,
      () => registration.status.state === 'superseded',
    )
    expect(await one.list('orders')).toMatchObject([{ version: '9' }])
  })

  test('a registration takes over from @sd, and never from them', async () => {
    const first = await registry().register(instance)
    await registry().register(instance)
    await eventually('it is superseded', ttlMs * 3, () => first.status.state === 'superseded')
    faults.writeRaw('orders', 'y', theirs)
    await expect(registry().register({ ...instance, id: 'y' })).rejects.toMatchObject({
      code: 'conflict',
    })
  })

  test('what replaces ours and cannot be read is undone', async () => {
    const one = registry()
    const registration = await one.register(instance)
    faults.writeRaw('orders', 'x', Buffer.from('{'))
    await eventually(
      'it is written again',
      ttlMs * 3,
      async () => (await one.list('orders')).length === 1,
    )
    expect(registration.status.state).toBe('registered')
  })
})

describe('before any I/O', () => {
  test('an instance that the format cannot express is refused', async () => {
    faults.stop()
    await expect(registry().register({ ...instance, id: 'a/b' })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining(
        'format "kratos" cannot express the instance: its id is "a/b"',
      ),
    })
  })

  test('a format that the backend cannot carry is refused', () => {
    const spread: WireFormat = { ...jsonFormat, name: 'spread', carrier: 'consul-service' }
    expect(() => registry(spread)).toThrow(
      'format "spread" needs a backend that stores documents as "consul-service"; this one stores them as "value"',
    )
  })
})
