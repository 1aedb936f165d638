import { sharedRegistries } from '@sd/calling-tests'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { Registry } from '@sd/core'
import { ServiceDispatcher } from '@sd/undici'
import { fetch } from 'undici'
import { describe, expect, test } from 'vitest'

const [intervalMs, timeoutMs, failures] = [500, 300, 2]
/** How long a service whose check fails may still get requests. */
const outMs = failures * intervalMs + timeoutMs + 1_000
/** How long until one whose check passes again gets requests: one check, and the way to the callers. */
const backMs = intervalMs + timeoutMs + 1_000

/** A server whose check can be made to fail or to hang; it answers all other requests. */
class CheckedServer implements AsyncDisposable {
  /** When each request of a caller arrived. */
  readonly arrivalsMs: number[] = []
  state: 'works' | 'fails' | 'hangs' = 'works'
  readonly #server = createServer((request, response) => {
    if (request.url !== '/healthz') {
      this.arrivalsMs.push(performance.now())
      response.end('ok')
    } else if (this.state !== 'hangs') response.writeHead(this.state === 'works' ? 200 : 503).end()
  })

  async register(registry: Registry, id: string): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    const endpoint = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
    await registry.register(
      { service: 'orders', id, endpoints: [endpoint] },
      {
        check: { http: `${endpoint}/healthz` },
        intervalMs,
        timeoutMs,
        failuresBeforeFailing: failures,
      },
    )
  }

  arrivedAfter(timeMs: number): boolean {
    return (this.arrivalsMs.at(-1) ?? 0) > timeMs
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

describe.each(sharedRegistries)('on %s', (_, open) => {
  test.each(['fails', 'hangs'] as const)(
    'a service whose check %s leaves traffic in time, and comes back by itself',
    { timeout: 60_000 },
    async (state) => {
      await using shared = await open()
      await using owner = shared.open()
      await using reader = shared.open()
      await using sick = new CheckedServer()
      await using second = new CheckedServer()
      await using third = new CheckedServer()
      for (const [index, server] of [sick, second, third].entries())
        await server.register(owner, `orders-${index}`)
      await using dispatcher = new ServiceDispatcher({ discovery: reader })
      const failed: unknown[] = []
      const request = async (): Promise<void> => {
        try {
          const response = await fetch('http://orders.sd/', { dispatcher })
          if ((await response.text()) !== 'ok') failed.push(response.status)
        } catch (error) {
          failed.push(error)
        }
      }
      const loadUntil = async (done: () => boolean, deadlineMs: number): Promise<void> => {
        const endMs = performance.now() + deadlineMs
        while (!done() && performance.now() < endMs) await Promise.all([request(), delay(5)])
      }
      await loadUntil(() => sick.arrivalsMs.length > 5, backMs)
      expect(sick.arrivalsMs.length).toBeGreaterThan(5)

      sick.state = state
      const sickMs = performance.now()
      await loadUntil(() => false, 2 * outMs)
      expect((sick.arrivalsMs.at(-1) ?? 0) - sickMs).toBeLessThanOrEqual(outMs)
      for (const other of [second, third]) expect(other.arrivedAfter(sickMs + outMs)).toBe(true)

      sick.state = 'works'
      const wellMs = performance.now()
      await loadUntil(() => sick.arrivedAfter(wellMs), backMs)
      expect(sick.arrivedAfter(wellMs)).toBe(true)
      expect(failed).toEqual([])
    },
  )
})
