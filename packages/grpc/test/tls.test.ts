import { credentials, ServerCredentials } from '@grpc/grpc-js'
import { createCertificates } from '@sd/contract-tests/servers'
import { expect, test, vi } from 'vitest'
import { EchoClient } from './support/echo-client.ts'
import { EchoServer } from './support/echo-server.ts'
import { register, World } from './support/world.ts'

// real servers, on a machine that may be busy
vi.setConfig({ testTimeout: 20_000 })

const { ca, server } = await createCertificates()
const clientTls = credentials.createSsl(Buffer.from(ca))
const serverTls = ServerCredentials.createSsl(null, [
  { cert_chain: Buffer.from(server.cert), private_key: Buffer.from(server.key) },
])

const secure = async (world: World, endpoints?: readonly string[]): Promise<EchoServer> => {
  const echo = await EchoServer.start('tls', { credentials: serverTls })
  await register(world, echo, { endpoints: endpoints ?? [`grpcs://${echo.address}`] })
  return echo
}

test('the certificate must be valid for the service, or for the requested authority', async () => {
  await using world = new World()
  await using echo = await secure(world)
  const scheme = world.resolve()
  using byService = new EchoClient(`${scheme}:///orders`, {}, clientTls)
  expect(await byService.call()).toContain("Host: orders. is not in the cert's altnames")
  using byTarget = new EchoClient(`${scheme}:///orders?authority=localhost`, {}, clientTls)
  expect(await byTarget.call()).toBe('tls')
  using byOption = new EchoClient(
    `${world.resolve({ authority: () => 'localhost' })}:///orders`,
    {},
    clientTls,
  )
  expect(await byOption.call()).toBe('tls')
  using wrong = new EchoClient(`${world.resolve({ authority: () => 'a b' })}:///orders`)
  expect(await wrong.call()).toContain(
    'INTERNAL: the authority of orders is "a b"; expected a host',
  )
  expect(new Set(echo.hosts)).toEqual(new Set(['localhost']))
  using byChannel = new EchoClient(
    `${scheme}:///orders`,
    { 'grpc.ssl_target_name_override': 'localhost' },
    clientTls,
  )
  expect(await byChannel.call()).toBe('tls')
  expect(echo.hosts.at(-1)).toBe('orders')
})

test('the scheme decides which endpoint of an instance with both is used', async () => {
  await using world = new World()
  await using plain = await EchoServer.start('plain')
  const echo = await EchoServer.start('tls', { credentials: serverTls })
  await using _ = echo
  await register(world, echo, {
    endpoints: [`grpcs://${echo.address}`, `grpc://${plain.address}`],
  })
  const scheme = world.resolve()
  using insecure = new EchoClient(`${scheme}:///orders`)
  expect(await insecure.call()).toBe('plain')
  using encrypted = new EchoClient(
    `${scheme}:///orders?scheme=grpcs&authority=localhost`,
    {},
    clientTls,
  )
  expect(await encrypted.call()).toBe('tls')
  using first = new EchoClient(
    `${world.resolve({ schemes: ['grpcs', 'grpc'] })}:///orders?authority=localhost`,
    {},
    clientTls,
  )
  expect(await first.call()).toBe('tls')
})

test('credentials that do not fit the endpoint are reported', async () => {
  await using world = new World()
  await using plain = await EchoServer.start('plain')
  const registration = await register(world, plain)
  const scheme = world.resolve()
  using encrypted = new EchoClient(`${scheme}:///orders`, {}, clientTls)
  const answer = await encrypted.call()
  expect(answer).toContain('the endpoint is grpc://, without TLS')
  await registration.deregister()
  await using _ = await secure(world)
  using insecure = new EchoClient(`${scheme}:///orders`)
  expect(await insecure.call()).toContain('the channel needs credentials.createSsl()')
})
