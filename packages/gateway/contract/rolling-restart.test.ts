import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { everySharedRegistry, RollingFleet } from '@sd/calling-tests'
import { describe, expect, test } from 'vitest'
import { Gateway, gatewayChannelName, type GatewayEvent } from '../src/index.ts'
import { type LoadOptions, type LoadReport, startLoad } from './load.ts'

const loads: readonly [string, string, Omit<LoadOptions, 'port'>][] = [
  ['HTTP requests and WebSockets', 'http-process.ts', { http: 20, webSockets: 10, grpc: 0 }],
  ['gRPC calls', 'grpc-process.ts', { http: 0, webSockets: 0, grpc: 20 }],
]

/** Collects why the gateway itself answered, until it is disposed of: a caller is not told. */
const collectCauses = (): Disposable & { readonly causes: unknown[] } => {
  const causes: unknown[] = []
  const collect = (message: unknown): void => {
    const event = message as GatewayEvent
    if (event.event === 'finished' && event.reason !== undefined)
      causes.push(event.cause ?? event.reason)
  }
  subscribe(gatewayChannelName, collect)
  return { causes, [Symbol.dispose]: () => unsubscribe(gatewayChannelName, collect) }
}

describe.each(everySharedRegistry)('through a gateway on %s', (backend, open) => {
  test.each(loads)(
    'no call fails while three services restart twice: %s',
    { timeout: 180_000 },
    async (_, program, callers) => {
      await using shared = await open()
      const url = new URL(program, import.meta.url)
      await using fleet = await RollingFleet.start(url, shared.url, 3)
      await using registry = shared.open()
      await using gateway = new Gateway({
        discovery: registry,
        routes: [{ service: 'orders', retry: false }],
      })
      const port = await gateway.listen({ host: '127.0.0.1' })
      using collected = collectCauses()
      await using load = await startLoad({ port, ...callers })
      await fleet.restart()
      await fleet.restart()
      const report = await load.ask<LoadReport>('end')
      const { http, messages, told, grpc, failed } = report
      console.log(
        `${backend}: ${http} requests, ${messages} messages, ${told} told to go, ${grpc} gRPC calls`,
      )
      expect({ failed, causes: collected.causes }).toEqual({ failed: [], causes: [] })
      expect(http + grpc).toBeGreaterThan(300)
      expect(told).toBeGreaterThanOrEqual(callers.webSockets)
    },
  )
})
