import { type Balancer, createBalancer } from '@sd/balancer'
import { createRegistry, type Registration, type Registry } from '@sd/registry'
import { etcd, provideServers, until } from '@sd/test-servers'
import { expect, test } from 'vitest'
import { EchoServices } from './echo-services.ts'
import { openKratosFleet } from './open-kratos-fleet.ts'
import { SteadyCaller } from './steady-caller.ts'
import { embeddedDefault, type SdProcess, type SdWorld, slackMs } from './support.ts'

const join = (registry: Registry, id: string, endpoint: string): Promise<Registration> =>
  registry.register({ service: 'orders', id, endpoints: [endpoint] })

/** A balancer whose view has these ids. */
const balanced = async (registry: Registry, ids: readonly string[]): Promise<Balancer> => {
  const balancer = createBalancer(registry, { service: 'orders' })
  const found = (): string =>
    balancer.instances
      .map(({ id }) => id)
      .toSorted()
      .join()
  await until(`the view has ${ids.join()}`, () => found() === ids.join(), slackMs)
  return balancer
}

/** A gateway that is ready, with its address. */
const startGateway = async (
  world: SdWorld,
  url: string,
): Promise<{ readonly process: SdProcess; readonly origin: string }> => {
  const listen = ['--host', '127.0.0.1', '--port', '0']
  const process = world.start('gateway', '--url', url, ...listen, '--route', '/orders=orders')
  const origin = await process.origin()
  const ready = async (): Promise<boolean> => (await fetch(`${origin}/readyz`)).ok
  await until('the gateway is ready', ready, slackMs)
  return { process, origin }
}

// docs/migrating.md tells the same
test('a Kratos fleet on etcd is joined, and moves to another backend without a lost call', async () => {
  await using servers = await provideServers(etcd)
  const [endpoint = ''] = servers.endpoints
  await using world = await embeddedDefault().open()
  const kratosUrl = `etcd://${endpoint}/microservices?format=kratos&ttl=5s`
  await using fleet = openKratosFleet(endpoint)
  await using echoes = new EchoServices()
  const kratosShows = (...ids: readonly string[]): Promise<void> =>
    until(
      `Kratos shows ${ids.join()}`,
      async () => (await fleet.read()).map(({ id }) => id).join() === ids.join(),
      slackMs,
    )

  // the fleet, and a service that joins it
  const kratosEndpoint = await echoes.start('kratos-1')
  await fleet.register('kratos-1', kratosEndpoint, 50)
  await fleet.register('kratos-2', await echoes.start('kratos-2'))
  await using old = await createRegistry(kratosUrl)
  const nodeEndpoint = await echoes.start('node-1')
  const joined = await join(old, 'node-1', nodeEndpoint)
  await kratosShows('kratos-1', 'kratos-2', 'node-1')
  const weights = (await old.list('orders')).map(({ weight }) => weight)
  expect(weights.toSorted((a, b) => a - b)).toEqual([50, 100, 100])

  // calls through a balancer, and through a gateway
  const everyone = ['kratos-1', 'kratos-2', 'node-1']
  let balancer = await balanced(old, everyone)
  let gateway = await startGateway(world, kratosUrl)
  await using direct = new SteadyCaller(() => {
    const pick = balancer.pick()
    return { url: pick.endpoint, done: () => pick.done() }
  })
  await using routed = new SteadyCaller(() => ({ url: `${gateway.origin}/orders` }))
  const called = (...ids: readonly string[]): Promise<void> =>
    until(
      `${ids.join()} are called both ways`,
      () => ids.every((id) => direct.answers.has(id) && routed.answers.has(id)),
      slackMs,
    )
  await called(...everyone)

  // the fleet is mirrored, and the callers move
  const copying = world.start('copy', kratosUrl, world.url, '--apply', '--follow')
  await copying.writes(/3 copies are registered/)
  await using next = await createRegistry(world.url)
  const [oldBalancer, oldGateway] = [balancer, gateway]
  balancer = await balanced(next, everyone)
  gateway = await startGateway(world, world.url)
  await Promise.all([direct.further(), routed.further()])
  oldBalancer.close()
  oldGateway.process.child.kill('SIGTERM')
  expect((await oldGateway.process.ended).code).toBe(0)

  // the fleet still changes, and the callers follow
  await fleet.register('kratos-1', kratosEndpoint, 10)
  await until(
    'the weight arrives',
    async () =>
      (await next.list('orders')).some(({ id, weight }) => id === 'kratos-1' && weight === 10),
    slackMs,
  )

  // each service moves: the new one registers, the old one leaves, and stops when nobody calls it
  const replace = async (name: string, by: string): Promise<void> => {
    await join(next, by, await echoes.start(by))
    await called(by)
    await fleet.deregister(name)
    await echoes.stopWhenIdle(name)
  }
  await replace('kratos-1', 'next-1')
  await replace('kratos-2', 'next-2')
  await kratosShows('node-1')
  // a service that speaks both registers under its id in the new one; its copy yields to it
  await join(next, 'node-1', nodeEndpoint)
  await copying.writes(/yielded +orders\/node-1/)
  await joined.deregister()

  // the copy is not needed any more
  copying.child.kill('SIGINT')
  expect((await copying.ended).code).toBe(0)
  await kratosShows()
  expect((await next.list('orders')).map(({ id }) => id).toSorted()).toEqual([
    'next-1',
    'next-2',
    'node-1',
  ])
  expect({ direct: direct.lost, routed: routed.lost }).toEqual({ direct: [], routed: [] })
  balancer.close()
}, 120_000)
