import { Child, sharedRegistries } from '@sd/calling-tests'
import { setTimeout as delay } from 'node:timers/promises'
import type { Registry } from '@sd/core'
import { until } from '@sd/test-servers'
import { describe, expect, test } from 'vitest'
import { type ServedRegistration, serveRegistered } from '../src/index.ts'
import { EchoServer } from '../test/support/echo-server.ts'
import { failures, type LoadReport, startLoad } from './load.ts'
import type { ServerOptions } from './server-process.ts'

/** A minute with SD_LONG_TESTS=1. */
const long = process.env['SD_LONG_TESTS'] === '1'
const churnMs = long ? 60_000 : 4_000
const target = 'sd:///orders'
const timeout = churnMs + 60_000

/** Servers in this process, which are replaced as in a rolling deploy. */
class Fleet {
  readonly #registry: Registry
  readonly #serving: ServedRegistration[] = []
  readonly #leaving: Promise<void>[] = []
  made = 0
  /** How many stops had to cut calls. */
  forced = 0

  constructor(registry: Registry) {
    this.#registry = registry
  }

  async join(): Promise<void> {
    const id = String(this.made)
    this.made += 1
    const { server } = EchoServer.create(id, { delayMs: 10 })
    const instance = { service: 'orders', id }
    this.#serving.push(
      await serveRegistered(server, this.#registry, instance, { listen: '127.0.0.1:0' }),
    )
  }

  /** Stops the oldest one gracefully. */
  leave(): void {
    for (const served of this.#serving.splice(0, 1)) this.#leaving.push(this.#stop(served))
  }

  async stop(): Promise<void> {
    while (this.#serving.length > 0) this.leave()
    await Promise.all(this.#leaving)
  }

  async #stop(served: ServedRegistration): Promise<void> {
    const { drained } = await served.stop()
    if (!drained) this.forced += 1
  }
}

describe.each(sharedRegistries)('on %s', (backend, open) => {
  test(
    'no call and no stream fails while an instance is replaced every 100 ms',
    { timeout },
    async () => {
      await using shared = await open()
      await using registry = shared.open()
      const fleet = new Fleet(registry)
      await Promise.all(Array.from({ length: 6 }, () => fleet.join()))
      const options = { url: shared.url, target, callers: 20, streams: 5, retry: false }
      await using load = await startLoad(options)
      const end = performance.now() + churnMs
      while (performance.now() < end) {
        await Promise.all([fleet.join(), delay(100)])
        fleet.leave()
      }
      const report = await load.ask<LoadReport>('end')
      await fleet.stop()
      if (long) console.log(`${backend}: ${fleet.made} instances, ${JSON.stringify(report)}`)
      expect(report.failed).toEqual({})
      expect(report.calls).toBeGreaterThan(churnMs / 40)
      expect(report.streams).toBeGreaterThan(churnMs / 200)
      expect(fleet.made).toBeGreaterThan(churnMs / 800)
      expect(fleet.forced).toBe(0)
    },
  )

  test.each([
    ['at most the calls in flight on them fail', false],
    ['with retries only calls fail whose headers had arrived', true],
  ])('servers are killed one after another: %s', { timeout }, async (_, retry) => {
    await using shared = await open()
    await using processes = new AsyncDisposableStack()
    let made = 0
    const start = async (): Promise<Child> => {
      const id = String(made)
      made += 1
      const options: ServerOptions = { url: shared.url, id, delayMs: 20 }
      return processes.use(
        await Child.start(new URL('server-process.ts', import.meta.url), options),
      )
    }
    const serving = await Promise.all(Array.from({ length: 6 }, start))
    const callers = 20
    await using load = await startLoad({ url: shared.url, target, callers, streams: 0, retry })
    const end = performance.now() + churnMs
    let kills = 0
    const joining: Promise<void>[] = []
    const join = async (): Promise<void> => void serving.push(await start())
    while (performance.now() < end) {
      await delay(500)
      // starting a process takes longer than killing one
      if (serving.length < 4) continue
      joining.push(join())
      for (const old of serving.splice(0, 1)) old.kill()
      kills += 1
    }
    await Promise.all(joining)
    const report = await load.ask<LoadReport>('end')
    if (long) console.log(`${backend}: ${kills} killed, retry ${retry}, ${JSON.stringify(report)}`)
    // the killed server has its share of the calls
    expect(failures(report)).toBeLessThanOrEqual((kills * callers) / 2)
    // a call whose headers have arrived is committed: gRPC does not repeat it
    const repeatable = Object.keys(report.failed).filter(
      (what) => !what.includes('after the headers'),
    )
    expect(retry ? repeatable : []).toEqual([])
    expect(Object.keys(report.failed).filter((what) => !what.startsWith('UNAVAILABLE'))).toEqual([])
    expect(kills).toBeGreaterThan(1)
    expect(report.calls).toBeGreaterThan(churnMs / 40)
  })

  test('calls continue while the registry is unreachable', { timeout }, async () => {
    await using shared = await open()
    await using registry = shared.open()
    const fleet = new Fleet(registry)
    await Promise.all(Array.from({ length: 3 }, () => fleet.join()))
    await using watcher = registry.watch('orders')
    const options = { url: shared.url, target, callers: 5, streams: 2, retry: false }
    await using load = await startLoad(options)
    const before = await load.ask<LoadReport>('soFar')
    {
      await using _ = await shared.takeAway()
      await until('the view is stale', () => watcher.stale !== undefined)
      await delay(churnMs / 2)
    }
    await until('the view is fresh', () => watcher.stale === undefined)
    await fleet.join()
    const report = await load.ask<LoadReport>('end')
    await fleet.stop()
    expect(report.failed).toEqual({})
    expect(report.calls - before.calls).toBeGreaterThan(churnMs / 80)
  })
})
