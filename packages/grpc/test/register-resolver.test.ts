import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import { registerResolver, type ResolverOptions } from '../src/index.ts'
import { EchoClient } from './support/echo-client.ts'
import { EchoServer } from './support/echo-server.ts'
import { register, World } from './support/world.ts'

// real servers, on a machine that may be busy
vi.setConfig({ testTimeout: 20_000 })

describe('registerResolver', () => {
  test('distinguishes two registries by their schemes', async () => {
    await using one = new World()
    await using other = new World()
    await using a = await EchoServer.start('a')
    await using b = await EchoServer.start('b')
    await register(one, a)
    await register(other, b)
    using first = new EchoClient(`${one.resolve()}:///orders`)
    using second = new EchoClient(`${other.resolve()}:///orders`)
    expect([await first.call(), await second.call()]).toEqual(['a', 'b'])
  })

  test('accepts a scheme once, and again after it is closed; channels continue', async () => {
    await using world = new World()
    await using a = await EchoServer.start('a')
    await register(world, a)
    const registry = world.clientRegistry
    const resolver = registerResolver(registry, { scheme: 'once' })
    expect(resolver.scheme).toBe('once')
    expect(() => registerResolver(registry, { scheme: 'once' })).toThrow(
      '[conflict] register resolver: once:/// is already registered for another registry',
    )
    using client = new EchoClient('once:///orders')
    expect(await client.call()).toBe('a')
    resolver.close()
    resolver.close()
    expect(await client.call()).toBe('a')
    using late = new EchoClient('once:///orders')
    expect(await late.call()).toContain('no registry is registered for once:///')
    using _ = registerResolver(registry, { scheme: 'once' })
    using again = new EchoClient('once:///orders')
    expect(await again.call()).toBe('a')
  })

  test.each<[ResolverOptions, string]>([
    [{ scheme: 'SD' }, 'scheme is "SD"; expected lower-case letters'],
    [{ scheme: 'dns' }, 'scheme is "dns", which grpc-js resolves itself'],
    [{ schemes: [] }, "expected one or more, like ['grpc', 'grpcs']"],
    [{ settleMs: -1 }, 'settleMs is -1; expected 0 to 10000'],
    [{ balancer: { strategy: 'best' as 'p2c' } }, 'strategy "best" is unknown'],
    [{ retry: { maxAttempts: 6 } }, 'retry.maxAttempts is 6; expected a number from 2 to 5'],
    [{ retry: { maxBackoffMs: 1 } }, 'retry.maxBackoffMs is 1; expected a number from 20'],
    [{ retry: { statuses: ['OK'] } }, 'retry.statuses is "OK"; expected CANCELLED'],
    [{ retry: { statuses: [] } }, 'expected one or more'],
    [{ retry: { methods: ['a b'] } }, 'retry.methods is "a b"; expected orders.v1.Orders'],
    [
      { retries: true } as ResolverOptions,
      'option "retries" is unknown; expected scheme, balancer',
    ],
    [{ grpc: {} as never }, 'too old; expected 1.14.7 or later'],
  ])('refuses %j', async (options, message) => {
    await using world = new World()
    expect(() => registerResolver(world.clientRegistry, options)).toThrow(
      expect.objectContaining({
        code: 'invalid-config',
        message: expect.stringContaining(message) as string,
      }),
    )
  })
})

test('warns about a second copy of grpc-js, and serves the given copy', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sd-grpc-copy-'))
  try {
    const original = dirname(createRequire(import.meta.url).resolve('@grpc/grpc-js/package.json'))
    const modules = dirname(dirname(original))
    const copy = join(folder, 'node_modules/@grpc/grpc-js')
    await mkdir(copy, { recursive: true })
    await cp(join(original, 'build/src'), join(copy, 'build/src'), { recursive: true })
    await cp(join(original, 'package.json'), join(copy, 'package.json'))
    await symlink(join(modules, '@js-sdsl'), join(folder, 'node_modules/@js-sdsl'))
    await symlink(
      join(modules, '@grpc/proto-loader'),
      join(folder, 'node_modules/@grpc/proto-loader'),
    )
    const program = `
      import { createRequire } from 'node:module'
      import { createRegistry } from '@sd/registry'
      import { registerResolver } from '@sd/grpc'
      const other = createRequire(import.meta.url)(${JSON.stringify(copy)})
      process.on('warning', ({ code, message }) => console.log(code, message))
      const registry = await createRegistry('memory:')
      const bytes = (value) => value
      const call = (target) => new Promise((resolve) => {
        const client = new other.Client(target, other.credentials.createInsecure())
        client.makeUnaryRequest('/test.Echo/WhoAmI', bytes, bytes, Buffer.alloc(0), (error) => {
          client.close()
          resolve(error.details)
        })
      })
      registerResolver(registry)
      console.log(await call('sd:///orders'))
      registerResolver(registry, { grpc: other })
      console.log(await call('sd:///orders'))
      await registry.close()`
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--conditions=@sd/source', '--no-warnings', '--input-type=module', '--eval', program],
      { cwd: dirname(import.meta.dirname), timeout: 20_000 },
    )
    const [first, second, ...rest] = stdout.trim().split('\n')
    expect([first, second, ...rest]).toEqual(
      expect.arrayContaining([
        expect.stringContaining('SD_GRPC_COPIES this process has loaded 2 copies of @grpc/grpc-js'),
        'Failed to parse DNS address dns:sd:///orders',
        "no instances registered under 'orders' at memory",
      ]),
    )
    expect(stdout).toContain(copy)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}, 30_000)
