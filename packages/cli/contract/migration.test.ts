import { createRegistry, type Registration, type Registry } from '@sd/registry'
import { etcd, provideServers, until } from '@sd/test-servers'
import { expect, test } from 'vitest'
import { EchoServices } from './echo-services.ts'
import { KratosRegistrar } from './kratos-registrar.ts'
import { SteadyCaller } from './steady-caller.ts'
import { embeddedDefault, slackMs } from './support.ts'

const join = (registry: Registry, id: string, endpoint: string): Promise<Registration> =>
  registry.register({ service: 'orders', id, endpoints: [endpoint] })

// docs/migrating.md tells the same
test('a Kratos fleet on etcd is joined, and moves to another backend without a lost call', async () => {
  await using servers = await provideServers(etcd)
  const [endpoint = ''] = servers.endpoints
  await using world = await embeddedDefault().open()
  const kratosUrl = `etcd://${endpoint}/microservices?format=kratos&ttl=5s`
  await using fleet = new KratosRegistrar(endpoint)
  await using echoes = new EchoServices()
  const endpointOf = (name: string): Promise<string> => echoes.start(name)

  // the fleet, and a service that joins it
  const kratosEndpoint = await endpointOf('kratos-1')
  await fleet.register('kratos-1', kratosEndpoint, 50)
  await fleet.register('kratos-2', await endpointOf('kratos-2'))
  await using old = await createRegistry(kratosUrl)
  const nodeEndpoint = await endpointOf('node-1')
  const joined = await join(old, 'node-1', nodeEndpoint)
  expect((await fleet.read()).map(({ id }) => id)).toEqual(['kratos-1', 'kratos-2', 'node-1'])
  const weights = (await old.list('orders')).map(({ weight }) => weight)
  expect(weights.toSorted((a, b) => a - b)).toEqual([50, 100, 100])
  await using caller = new SteadyCaller(old)
  const everyone = ['kratos-1', 'kratos-2', 'node-1']
  await until('all are called', () => everyone.every((id) => caller.answers.has(id)), slackMs)

  // the fleet is mirrored, and the callers move
  const copying = world.start('copy', kratosUrl, world.url, '--apply', '--follow')
  await copying.writes(/3 copies are registered/)
  await using next = await createRegistry(world.url)
  await caller.moveTo(next, everyone)

  // the fleet still changes, and the callers follow
  await fleet.register('kratos-1', kratosEndpoint, 10)
  await until(
    'the weight arrives',
    async () =>
      (await next.list('orders')).some(({ id, weight }) => id === 'kratos-1' && weight === 10),
    slackMs,
  )

  // each service moves: the new one registers, the old one leaves, and stops when nobody calls it
  const replace = async (name: string, by: string, leave: () => Promise<void>): Promise<void> => {
    await join(next, by, await endpointOf(by))
    await until(`${by} is called`, () => caller.answers.has(by), slackMs)
    await leave()
    await until(`${name} is not called`, () => !caller.ids.includes(name), slackMs)
    await echoes.stop(name)
  }
  await replace('kratos-1', 'next-1', () => fleet.deregister('kratos-1'))
  await replace('kratos-2', 'next-2', () => fleet.deregister('kratos-2'))
  // a service that speaks both registers under its id in the new one; its copy yields to it
  await join(next, 'node-1', nodeEndpoint)
  await copying.writes(/yielded +orders\/node-1/)
  await joined.deregister()

  // the copy is not needed any more
  copying.child.kill('SIGINT')
  expect((await copying.ended).code).toBe(0)
  expect(await fleet.read()).toEqual([])
  expect((await next.list('orders')).map(({ id }) => id).toSorted()).toEqual([
    'next-1',
    'next-2',
    'node-1',
  ])
  expect(caller.lost).toEqual([])
}, 120_000)
