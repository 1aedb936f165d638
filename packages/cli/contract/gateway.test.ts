import { once } from 'node:events'
import { rename, rm, writeFile, mkdtemp } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRegistry } from '@sd/registry'
import { describe, expect, onTestFinished, test } from 'vitest'
import { embeddedDefault, type SdWorld } from './support.ts'

const backend = embeddedDefault()

/** Serves over HTTP and registers, until the test ends. */
const serve = async (world: SdWorld, service: string, listener: RequestListener): Promise<void> => {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const registry = await createRegistry(world.url)
  onTestFinished(async () => {
    await registry.close()
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  await registry.register({ service, endpoints: [`http://127.0.0.1:${port}`] })
}

const scratch = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'sd-gateway-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

const anyPort = ['--host', '127.0.0.1', '--port', '0']

describe('sd gateway', () => {
  test('forwards, logs, shows its figures, and finishes what is under way on SIGTERM', async () => {
    await using world = await backend.open()
    const begun = Promise.withResolvers<() => void>()
    await serve(world, 'orders', (request, response) => {
      if (request.url !== '/orders/slow') return void response.end(`orders ${request.url}`)
      response.write('slow ')
      begun.resolve(() => response.end('but whole'))
    })
    const gateway = world.start('gateway', ...anyPort, '--route', '/orders=orders')
    const origin = await gateway.origin()
    expect(await (await fetch(`${origin}/orders/1`)).text()).toBe('orders /orders/1')
    await gateway.writes(/^127\.0\.0\.1 - - \[.*\] "GET \/orders\/1 HTTP\/1\.1" 200 16 /m)
    expect((await fetch(`${origin}/other`)).status).toBe(404)
    expect((await fetch(`${origin}/readyz`)).status).toBe(200)
    expect(await (await fetch(`${origin}/metrics`)).text()).toMatch(
      /^sd_gateway_requests_total\{.*sd_service="orders".*\} 1$/m,
    )
    const slow = fetch(`${origin}/orders/slow`).then((response) => response.text())
    const finish = await begun.promise
    gateway.child.kill('SIGTERM')
    await gateway.writes(/1 requests are under way, the gateway is draining/)
    finish()
    expect(await slow).toBe('slow but whole')
    expect(await gateway.ended).toMatchObject({ code: 0 })
  })

  test('reads its file again on SIGHUP, and keeps its routes if the file is invalid', async () => {
    await using world = await backend.open()
    await serve(world, 'a', (_request, response) => response.end('a'))
    await serve(world, 'b', (_request, response) => response.end('b'))
    const folder = await scratch()
    const file = join(folder, 'gateway.json')
    await writeFile(join(folder, 'empty.pem'), '')
    const tls = { cert: 'empty.pem', key: 'empty.pem' }
    // atomically, as an editor does
    const write = async (text: string): Promise<void> => {
      await writeFile(`${file}.new`, text)
      await rename(`${file}.new`, file)
    }
    const settings = (service: string): string =>
      JSON.stringify({ host: '127.0.0.1', port: 0, routes: [{ service, prefix: '/x' }] })
    await write(settings('a'))
    const gateway = world.start('gateway', '--config', file, '--json')
    const origin = await gateway.origin()
    const at = async (): Promise<string> => (await fetch(`${origin}/x`)).text()
    expect(await at()).toBe('a')
    await write(settings('b'))
    gateway.child.kill('SIGHUP')
    await gateway.writes(/reloaded .*gateway\.json: 1 route$/m)
    expect(await at()).toBe('b')
    for (const [text, why] of [
      ['{', /not used, the routes stay: .* is not JSON/],
      ['{"rutes":[]}', /unknown key "rutes"; did you mean "routes"\?/],
      [
        JSON.stringify({ ...JSON.parse(settings('a')), tls }),
        /not used, the routes stay: .* tls\.cert holds no PEM block/,
      ],
      ['{"routes":[{"service":"a","prefix":"x"}]}', /routes\[0\]\.prefix is "x"; expected a path/],
    ] as const) {
      await write(text)
      gateway.child.kill('SIGHUP')
      await gateway.writes(why)
      expect(await at()).toBe('b')
    }
    await write(JSON.stringify({ ...JSON.parse(settings('a')), trustedHops: 2 }))
    gateway.child.kill('SIGHUP')
    await gateway.writes(/1 route; a restart is needed for trustedHops/)
    expect(await at()).toBe('a')
    expect(gateway.json()[0]).toMatchObject({ service: 'a', status: 200, target: '/x' })
    gateway.child.kill('SIGTERM')
    expect((await gateway.ended).code).toBe(0)
  })

  test('says what is wrong with its settings, and ends with 2', async () => {
    await using world = await backend.open()
    const folder = await scratch()
    const [bad, pem, route] = ['bad.json', 'pem.json', 'route.json'].map((name) =>
      join(folder, name),
    ) as [string, string, string]
    await writeFile(bad, '{"port":"80","routes":[]}')
    await writeFile(pem, '{"routes":[{"service":"a","tls":{"ca":"missing.pem"}}]}')
    await writeFile(route, '{"routes":[{"service":"a","prefix":"x"}]}')
    for (const [args, why] of [
      [[], /give a route: --route \/orders=orders/],
      [['--route', 'orders'], /--route is "orders"; expected/],
      [['--route', '/a=a', '--route', '/a=b'], /has the host and prefix of routes\[0\]/],
      [['--route', '/metrics=a'], /which the gateway answers itself/],
      [['--route', '/a=a', '--port', '70000'], /Expected a whole number from 0 to 65535/],
      [['--route', '/a=a', '--tls-cert', 'x'], /are given together/],
      [['--config', '/nowhere.json'], /--config cannot be read: ENOENT/],
      [['--config', bad], /port is not a port/],
      [
        ['--config', route, '--route', '/b=b'],
        /^sd: \S+route\.json and --route: .*routes\[0\]\.prefix is "x"; expected a path/,
      ],
      [['--config', pem], /routes\[0\]\.tls\.ca cannot be read: ENOENT/],
    ] as const) {
      const ended = await world.run('gateway', ...args)
      expect(ended.stderr).toMatch(why)
      expect(ended.code).toBe(2)
    }
  })

  test('ends with 1 if its port is in use', async () => {
    await using world = await backend.open()
    const server = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const ended = await world.run(
      ...['gateway', '--host', '127.0.0.1', '--port', String(port), '--route', '/a=a'],
    )
    expect(ended.stderr).toContain(`sd: port ${port} cannot be opened: listen EADDRINUSE`)
    expect(ended.code).toBe(1)
  })
})
