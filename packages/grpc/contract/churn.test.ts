import { setTimeout as delay } from 'node:timers/promises'
import { createRegistry } from '@sd/registry'
import { describe, expect, test } from 'vitest'
import { type ServedRegistration, serveRegistered } from '../src/index.ts'
import { Child } from './child.ts'
import { EchoServer } from '../test/support/echo-server.ts'
import { failures, type LoadReport, startLoad } from './load.ts'
import type { ServerOptions } from './server-process.ts'
import { registries } from './registries.ts'

/** A minute with SD_LONG_TESTS=1. */
const churnMs = process.env['SD_LONG_TESTS'] === '1' ? 60_000 : 8_000
const size = 6

describe.each(registries)('under churn on %s', (_, open) => {
  test(
    'no call and no stream fails while an instance is replaced every 100 ms',
    { timeout: churnMs + 60_000 },
    async () => {
      await using shared = await open()
      await using registry = await createRegistry(shared.url)
      let made = 0
      let forced = 0
      const join = async (): Promise<ServedRegistration> => {
        const id = String(made++)
        const { server } = EchoServer.create(id, { delayMs: 10 })
        const instance = { service: 'orders', id }
        return serveRegistered(server, registry, instance, { listen: '127.0.0.1:0' })
      }
      const serving = await Promise.all(Array.from({ length: size }, join))
      const options = { url: shared.url, target: 'sd:///orders', callers: 20, streams: 10 }
      await using load = await startLoad({ ...options, retry: false })
      const leaving: Promise<void>[] = []
      const leave = async (served: ServedRegistration): Promise<void> => {
        const { drained } = await served.stop()
        if (!drained) forced += 1
      }
      const end = performance.now() + churnMs
      while (performance.now() < end) {
        const [next] = await Promise.all([join(), delay(100)])
        serving.push(next)
        leaving.push(...serving.splice(0, 1).map(leave))
      }
      const report = await load.ask<LoadReport>('end')
      await Promise.all([...leaving, ...serving.map(leave)])
      expect(report.failed).toEqual({})
      expect(report.calls).toBeGreaterThan(churnMs / 10)
      expect(report.streams).toBeGreaterThan(churnMs / 100)
      expect(made).toBeGreaterThan(churnMs / 200)
      expect(forced).toBe(0)
    },
  )

  test.each([
    ['without retries', false],
    ['with retries', true],
  ])(
    'SIGKILL of one server after another, %s, fails at most what is in flight on it',
    { timeout: churnMs + 60_000 },
    async (_how, retry) => {
      await using shared = await open()
      await using processes = new AsyncDisposableStack()
      let made = 0
      const start = async (): Promise<Child> => {
        const options: ServerOptions = { url: shared.url, id: String(made++), delayMs: 20 }
        return processes.use(await Child.start('server-process', options))
      }
      const serving = await Promise.all(Array.from({ length: 4 }, start))
      const [callers, streams] = [20, 0]
      const options = { url: shared.url, target: 'sd:///orders', callers, streams, retry }
      await using load = await startLoad(options)
      const end = performance.now() + churnMs
      let kills = 0
      while (performance.now() < end) {
        serving.push(await start())
        await delay(300)
        serving.shift()?.kill()
        kills += 1
      }
      const report = await load.ask<LoadReport>('end')
      expect(failures(report)).toBeLessThanOrEqual(retry ? 0 : kills * callers)
    },
  )
})
