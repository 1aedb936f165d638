import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import { describe, expect, test } from 'vitest'
import { type Echo, echo, World } from './world.ts'

/** Answers after a delay, and counts the requests that were aborted before. */
const slow = (id: string, delayMs: number, given: { up: number }) => {
  const answer = echo(id)
  return (...[incoming, response]: Parameters<typeof answer>): void => {
    response.on('close', () => {
      if (!response.writableFinished) given.up += 1
    })
    void sleep(delayMs).then(() => answer(incoming, response))
  }
}

describe('hedging', () => {
  test('sends to another instance when the first is slow, and aborts the slower one', async () => {
    await using world = await World.create()
    const given = { up: 0 }
    const first = await world.http('a', slow('a', 2_000, given))
    await world.http('b')
    const dispatcher = world.dispatcher({ hedge: { delayMs: 30 } })
    const startedMs = performance.now()
    const response = await request('http://orders.sd/', { dispatcher })
    expect(((await response.body.json()) as Echo).id).toBe('b')
    expect(performance.now() - startedMs).toBeLessThan(1_500)
    expect(first.requests).toBe(1)
    await expect.poll(() => given.up).toBe(1)
    expect(dispatcher.stats.requests).toBe(0)
  })

  test('does not repeat a request that is answered in time', async () => {
    await using world = await World.create()
    const servers = [await world.http('a'), await world.http('b')]
    const dispatcher = world.dispatcher({ hedge: { delayMs: 1_000 } })
    for (let i = 0; i < 4; i += 1)
      await (await request('http://orders.sd/', { dispatcher })).body.dump()
    expect(servers.map(({ requests }) => requests)).toEqual([2, 2])
  })

  test('sends a body to both, and the first may still win', async () => {
    await using world = await World.create()
    const given = { up: 0 }
    await world.http('a', slow('a', 150, given))
    const second = await world.http('b', slow('b', 5_000, given))
    const dispatcher = world.dispatcher({ hedge: { delayMs: 20 } })
    const response = await request('http://orders.sd/', {
      dispatcher,
      method: 'PUT',
      body: Readable.from(['ab', 'cd']),
    })
    expect(await response.body.json()).toMatchObject({ id: 'a', body: 'abcd' })
    expect(second.requests).toBe(1)
  })

  test('never sends a POST twice', async () => {
    await using world = await World.create()
    const given = { up: 0 }
    await world.http('a', slow('a', 150, given))
    const second = await world.http('b')
    const dispatcher = world.dispatcher({ hedge: { delayMs: 20 } })
    await (
      await request('http://orders.sd/', { dispatcher, method: 'POST', body: 'x' })
    ).body.dump()
    expect(second.requests).toBe(0)
  })

  test('stays within the budget, and survives the failure of either', async () => {
    await using world = await World.create()
    const given = { up: 0 }
    await world.http('a', slow('a', 150, given))
    const second = await world.http('b', (incoming) => incoming.socket.destroy())
    const none = world.dispatcher({
      hedge: { delayMs: 20 },
      retry: { budget: { ratio: 0, minPerSecond: 0 } },
    })
    await (await request('http://orders.sd/', { dispatcher: none })).body.dump()
    expect(second.requests).toBe(0)
    const some = world.dispatcher({ hedge: { delayMs: 20 } })
    const response = await request('http://orders.sd/', { dispatcher: some })
    expect(((await response.body.json()) as Echo).id).toBe('a')
    expect(second.requests).toBe(1)
  })
})
