import { subscribe } from 'node:diagnostics_channel'
import { setTimeout as delay } from 'node:timers/promises'
import type { Pace } from '@sd/calling-tests'
import { createRegistry } from '@sd/registry'
import { request } from 'undici'
import {
  type CallError,
  requestChannelName,
  type RequestEvent,
  ServiceDispatcher,
} from '../src/index.ts'
import type { LoadFailure, LoadOptions, LoadReport } from './load.ts'

// The body of the process that `startLoad` starts: many concurrent callers, and their results.
const { url, callers, retry, pauseMs } = JSON.parse(process.argv[2] ?? '{}') as LoadOptions & Pace
const registry = await createRegistry(url)
const dispatcher = new ServiceDispatcher({
  discovery: registry,
  ...(retry ? {} : { retry: false }),
})
let [ok, slowestMs, retries] = [0, 0, 0]
const failed: LoadFailure[] = []
const end = new AbortController()
subscribe(requestChannelName, (message) => {
  if ((message as RequestEvent).event === 'retry') retries += 1
})

const call = async (method: 'GET' | 'POST'): Promise<void> => {
  const began = performance.now()
  try {
    const { statusCode, body } = await request('http://orders.sd/', {
      dispatcher,
      method,
      body: method === 'POST' ? 'a body' : null,
    })
    const text = await body.text()
    if (statusCode !== 200 || text !== `${method} ok`) throw new Error(`${statusCode} ${text}`)
    ok += 1
  } catch (error) {
    const { message, instance } = error as CallError
    failed.push({ method, message, instance })
  }
  slowestMs = Math.max(slowestMs, performance.now() - began)
}

const report = (): LoadReport => ({
  ok,
  failed,
  slowestMs: Math.round(slowestMs),
  retries,
  pools: dispatcher.stats.pools,
})

// waits until the service can be called: the measurement begins then
do {
  await call('GET')
  await delay(20)
} while (failed.splice(0).length > 0)
const work = Promise.all(
  Array.from({ length: callers }, async (_, index) => {
    while (!end.signal.aborted) {
      await call(index % 2 === 0 ? 'GET' : 'POST')
      await delay(pauseMs)
    }
  }),
)

const close = async (): Promise<void> => {
  await work
  // the removal of the last instance may still be in flight
  await delay(1_000)
  const last = report()
  await dispatcher.close()
  await registry.close()
  process.send?.(last)
  process.disconnect()
}

process.on('message', (message) => {
  if (message === 'soFar') return void process.send?.(report())
  end.abort()
  void close()
})
process.send?.('ready')
