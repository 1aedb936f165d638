import { setTimeout as delay } from 'node:timers/promises'
import { Registry } from '@sd/core'
import { memory, MemoryStore } from '@sd/memory'
import { request } from 'undici'
import { ServiceDispatcher } from '../src/index.ts'
import type { MemoryOptions, MemoryReport, MemorySample } from './memory.ts'

// Measures its own heap, in a separate process, as all other objects would be counted too.
const { port, services, instancesPerService, requestsPerService } = JSON.parse(
  process.argv[2] ?? '{}',
) as MemoryOptions

const registry = new Registry(memory({ store: new MemoryStore() }))
const dispatcher = new ServiceDispatcher({ discovery: registry })

/** One server, an address for each instance: the whole of 127.0.0.0/8 is loopback. */
const endpoint = (generation: number, index: number): string =>
  `http://127.${generation}.${index >> 8}.${index & 255}:${port}`
const names = Array.from({ length: services }, (_, service) => `service-${service}`)
const registrations = await Promise.all(
  names.flatMap((service, first) =>
    Array.from({ length: instancesPerService }, (_, i) =>
      registry.register({
        service,
        id: `${service}-${i}`,
        endpoints: [endpoint(1, first * instancesPerService + i)],
      }),
    ),
  ),
)

const call = async (service: string, times: number): Promise<void> => {
  for (let i = 0; i < times; i += 1) {
    const { body } = await request(`http://${service}.sd/`, { dispatcher })
    await body.dump()
  }
}

const sample = async (): Promise<MemorySample> => {
  // twice, with an event loop turn between: objects that finalizers release are collected the
  // second time
  for (let i = 0; i < 3; i += 1) {
    globalThis.gc?.()
    await delay(50)
  }
  const heapMiB = Math.round((process.memoryUsage().heapUsed / 2 ** 20) * 10) / 10
  return { heapMiB, pools: dispatcher.stats.pools }
}

/** Replaces every instance; afterwards each service has had one request, and has one pool. */
const replaceAll = async (generation: number): Promise<void> => {
  await Promise.all(
    registrations.map((registration, index) =>
      registration.update({ endpoints: [endpoint(generation, index)] }),
    ),
  )
  while (dispatcher.stats.pools > 0) await delay(20)
  await Promise.all(names.map((service) => call(service, 1)))
}

process.send?.('ready')
await Promise.all(names.map((service) => call(service, 1)))
// once without load: the objects that the registry keeps after a change then exist already
await replaceAll(2)
const before = await sample()
// ten services at a time
for (let first = 0; first < names.length; first += 10)
  await Promise.all(
    names.slice(first, first + 10).map((service) => call(service, requestsPerService)),
  )
const used = await sample()
await replaceAll(3)
const after = await sample()
await dispatcher.close()
await registry.close()
process.send?.({ before, used, after } satisfies MemoryReport)
process.disconnect()
