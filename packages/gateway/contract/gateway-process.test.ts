import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { Child, everySharedRegistry, RollingFleet, sharedRegistries } from '@sd/calling-tests'
import { createRegistry } from '@sd/registry'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Gateway } from '../src/index.ts'
import { type LoadReport, startLoad } from './load.ts'

const program = new URL('gateway-process.ts', import.meta.url)
const httpProgram = new URL('http-process.ts', import.meta.url)

/** The times of the registries in the outage. */
const times = { ttlMs: 4_000, callTimeoutMs: 1_000, backoffMaxMs: 1_000 }
/**
 * What depends on time while a registry is away: the ttl, the deadline of a call, that of a new watch
 * (twice as long), and the longest pause between attempts. After one of each a longer outage only
 * repeats them. A minute with SD_LONG_TESTS=1.
 */
const outageMs =
  process.env['SD_LONG_TESTS'] === '1'
    ? 60_000
    : times.ttlMs + 3 * times.callTimeoutMs + times.backoffMaxMs
/** Added to every bound for loaded machines. */
const slackMs = 5_000

const [, openSqlite] = sharedRegistries[0] as (typeof sharedRegistries)[number]

/** A gateway in a process of its own; `port` 0 takes any. */
const startGateway = async (url: string, port = 0): Promise<{ child: Child; port: number }> => {
  const child = Child.launch(program, { url, port })
  onTestFinished(() => child[Symbol.asyncDispose]())
  return { child, port: await child.message<number>() }
}

describe.concurrent.each(everySharedRegistry)('through a gateway on %s', (backend, open) => {
  test('no request fails while the registry is away', { timeout: 180_000 }, async () => {
    await using shared = await open()
    const { ttlMs, callTimeoutMs, backoffMaxMs } = times
    const url = `${shared.url}?ttl=${ttlMs}ms&call-timeout=${callTimeoutMs}ms&backoff-max=${backoffMaxMs}ms`
    await using _ = await RollingFleet.start(httpProgram, url, 2)
    await using registry = await createRegistry({ url, logger: false })
    await using gateway = new Gateway({
      discovery: registry,
      routes: [{ service: 'orders', retry: false }],
    })
    const port = await gateway.listen({ host: '127.0.0.1' })
    await using load = await startLoad({ port, http: 10, webSockets: 2, grpc: 0 })
    const away = await shared.takeAway()
    await delay(outageMs)
    await away[Symbol.asyncDispose]()
    // the owners have registered again, or their records would expire
    await delay(ttlMs)
    const { http, failed } = await load.ask<LoadReport>('end')
    console.log(`${backend}: ${http} requests`)
    expect(failed).toEqual([])
    expect(http).toBeGreaterThan(200)
  })
})

test('a gateway that was killed is back as soon as it listens', { timeout: 60_000 }, async () => {
  await using shared = await openSqlite()
  await using _ = await RollingFleet.start(httpProgram, shared.url, 1)
  const first = await startGateway(shared.url)
  const call = async (): Promise<number> =>
    (await fetch(`http://127.0.0.1:${first.port}/`, { headers: { connection: 'close' } })).status
  expect(await call()).toBe(200)
  await first.child[Symbol.asyncDispose]()
  await expect(call()).rejects.toThrow('fetch failed')
  await startGateway(shared.url, first.port)
  const listensMs = performance.now()
  expect(await call()).toBe(200)
  const backMs = Math.round(performance.now() - listensMs)
  console.log(`first response ${backMs} ms after it listens again`)
  expect(backMs).toBeLessThan(1_000 + slackMs)
})

test('512 MB to a slow client do not stay in memory', { timeout: 120_000 }, async () => {
  const [total, chunk] = [2 ** 29, Buffer.alloc(65_536)]
  await using shared = await openSqlite()
  const server = createServer((_request, response) => {
    let left = total
    const write = (): void => {
      while (left > 0) {
        left -= chunk.length
        if (!response.write(chunk)) return void response.once('drain', write)
      }
      response.end()
    }
    write()
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  await using registry = shared.open()
  const { port } = server.address() as AddressInfo
  await registry.register({ service: 'orders', endpoints: [`http://127.0.0.1:${port}`] })
  const gateway = await startGateway(shared.url)
  const memory = (): Promise<number> => gateway.child.ask<number>('memory')
  const before = await memory()
  const request = get({ host: '127.0.0.1', port: gateway.port, agent: false })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  // a client that does not read for a while, and then slowly
  await delay(1_000)
  let [received, peak, pauses] = [0, await memory(), 0]
  for await (const part of response as AsyncIterable<Buffer>) {
    received += part.length
    if (received > pauses * 2 ** 25) {
      pauses += 1
      await delay(100)
      peak = Math.max(peak, await memory())
    }
  }
  expect(received).toBe(total)
  console.log(`memory +${Math.round((peak - before) / 1e6)} MB`)
  expect(peak - before).toBeLessThan(150e6)
})
