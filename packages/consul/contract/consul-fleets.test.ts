import type { Registry } from '@sd/core'
import { eventually } from '@sd/contract-tests'
import { lists } from '@sd/contract-tests/world'
import { consul as consulServer, provideServers } from '@sd/test-servers'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { consul, consulFormats } from '../src/index.ts'
import { RegistryWorld, ttlMs } from './registry-world.ts'
import { Admin, type HealthEntry } from './support.ts'

const servers = await provideServers(consulServer)
const host = servers.endpoints[0] ?? ''
const admin = new Admin(host)

/** Added to every bound for loaded machines. */
const slackMs = 10_000

let world: RegistryWorld
const foreignIds = new Set<string>()

beforeEach(() => {
  world = new RegistryWorld()
})
afterEach(async () => {
  await world[Symbol.asyncDispose]()
  for (const id of foreignIds) await admin.deregister(encodeURIComponent(id)).catch(() => {})
  foreignIds.clear()
})
afterAll(() => servers[Symbol.asyncDispose]())

const open = (): Registry =>
  world.open(consul({ endpoint: `http://${host}`, namespace: world.namespace }), {
    format: consulFormats.kratos,
  })

/** The name of a service of this test in Consul. */
const inConsul = (service: string): string => `${world.namespace}.${service}`

const ours = (service: string, id: string) => ({
  service,
  id,
  endpoints: ['http://10.0.0.1:8080'],
  metadata: { a: 'b' },
})

/** Registers a service as a peer does; without a check unless there is a status. */
const registerForeign = async (
  service: string,
  id: string,
  { port = 8080, status }: { readonly port?: number; readonly status?: string } = {},
): Promise<void> => {
  foreignIds.add(id)
  const check = status && { CheckID: `service:${id}`, TTL: '600s', Status: status }
  await admin.put('agent/service/register', {
    ID: id,
    Name: inConsul(service),
    Address: '10.0.0.2',
    Port: port,
    ...(check ? { Check: check } : {}),
  })
}

const stored = (service: string): Promise<readonly HealthEntry[]> => admin.health(inConsul(service))

test('equal ids of two services stay apart, and Meta has nothing of ours', async () => {
  const registry = open()
  await registry.register(ours('orders', 'same'))
  await registry.register(ours('carts', 'same'))
  for (const service of ['orders', 'carts']) {
    await lists(registry, ['same'], slackMs, service)
    const [entry] = await stored(service)
    expect(entry?.Service.Meta).toEqual({ a: 'b' })
    expect(entry?.Service.Tags).toEqual(['version='])
  }
})

test.each(['same', 'an "odd" `id`, ä'])(
  "a peer's instance with the id %s is not taken over",
  async (id) => {
    const registry = open()
    await registerForeign('orders', id)
    await eventually('it is listed', slackMs, async () => (await stored('orders')).length === 1)
    for (const onConflict of ['takeover', 'reject'] as const) {
      const registering = registry.register(ours('orders', id), { onConflict })
      await expect(registering).rejects.toMatchObject({ code: 'conflict' })
    }
    expect((await stored('orders')).map(({ Service }) => Service.ID)).toEqual([id])
    // in another service it is another instance
    await registry.register(ours('carts', id))
    await lists(registry, [id], slackMs, 'carts')
    expect(await stored('orders')).toHaveLength(1)
  },
)

test("a peer's instance with an id of ours supersedes it, and only the peer's is left", async () => {
  const registry = open()
  const registration = await registry.register(ours('orders', 'same'))
  await registerForeign('orders', 'same')
  await eventually(
    'it is superseded',
    ttlMs + slackMs,
    () => registration.status.state === 'superseded',
  )
  await eventually(
    'one is left',
    ttlMs + slackMs,
    async () => (await stored('orders')).length === 1,
  )
  expect((await stored('orders')).map(({ Service }) => Service.ID)).toEqual(['same'])
})

test('services of peers are watched by name and content, also without checks', async () => {
  const registry = open()
  const names = registry.watchServices()
  await names.next()
  const follower = world.follow(registry, 'plain')
  await follower.sees([], slackMs)
  const everything = registry.watchAll()
  await everything.next()
  await registerForeign('plain', 'p1')
  await registerForeign('dead', 'd1', { status: 'critical' })
  await follower.sees(['p1'], slackMs)
  await eventually('its name is told', slackMs, () => names.services.includes('plain'))
  expect(await registry.listServices()).toEqual(['plain'])
  expect(names.services).toEqual(['plain'])
  // no check changes with the address
  await registerForeign('plain', 'p1', { port: 9090 })
  await eventually('the new port is seen', slackMs, () =>
    everything.instances.some(({ endpoints }) => endpoints[0] === 'http://10.0.0.2:9090'),
  )
  await admin.put('agent/check/pass/service:d1')
  await eventually('the other lives', slackMs, () => names.services.includes('dead'))
  expect((await registry.listServices()).toSorted()).toEqual(['dead', 'plain'])
  await admin.deregister('p1')
  await follower.sees([], slackMs)
  await eventually('its name is gone', slackMs, () => !names.services.includes('plain'))
})

test('a service of a peer is draining in maintenance', async () => {
  const registry = open()
  await registerForeign('orders', 'm1', { status: 'passing' })
  const healths = async (): Promise<readonly string[]> =>
    (await registry.list('orders')).map(({ health }) => health)
  await eventually('it is listed', slackMs, async () => (await healths()).join() === 'passing')
  await admin.put('agent/service/maintenance/m1?enable=true')
  await eventually('it changes', slackMs, async () => (await healths()).join() !== 'passing')
  expect(await healths()).toEqual(['draining'])
})
