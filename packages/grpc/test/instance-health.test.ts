import type { InstanceHealth } from '@sd/core'
import { until } from '@sd/test-servers'
import { expect, test, vi } from 'vitest'
import { EchoClient } from './support/echo-client.ts'
import { EchoServer } from './support/echo-server.ts'
import { register, World } from './support/world.ts'

// real servers, on a machine that may be busy
vi.setConfig({ testTimeout: 20_000 })

interface Row {
  readonly first: InstanceHealth
  readonly next: InstanceHealth
  readonly called: string
  readonly because: string
}

test.each<Row>([
  { first: 'failing', next: 'failing', called: 'a,b', because: 'too few pass: panic' },
  { first: 'draining', next: 'failing', called: 'a', because: 'a draining one leaves on purpose' },
  { first: 'draining', next: 'draining', called: 'a,b', because: 'there are no others' },
])(
  'no call goes to b, $first while a passes; once a is $next, calls go to $called: $because',
  async ({ first, next, called }) => {
    await using world = new World()
    await using a = await EchoServer.start('a')
    await using b = await EchoServer.start('b')
    const ofA = await register(world, a)
    const ofB = await register(world, b)
    using client = new EchoClient(`${world.resolve()}:///orders`)
    const answering = async (): Promise<string> =>
      Object.keys(await client.burst(40))
        .toSorted()
        .join()
    await until('both are called', async () => (await answering()) === 'a,b')
    await ofB.setHealth(first)
    await until('only a is called', async () => (await answering()) === 'a')
    b.calls = 0
    expect(await client.burst(100)).toEqual({ a: 100 })
    expect(b.calls).toBe(0)
    await ofA.setHealth(next)
    await until(`calls go to ${called}`, async () => (await answering()) === called)
    expect(await answering(), 'later calls').toBe(called)
    await Promise.all([ofA.setHealth('passing'), ofB.setHealth('passing')])
    await until('both are called again', async () => (await answering()) === 'a,b')
  },
)
