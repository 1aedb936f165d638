import { setTimeout as delay } from 'node:timers/promises'
import type { Pace } from '@sd/calling-tests'
import { createRegistry } from '@sd/registry'
import { registerResolver } from '../src/index.ts'
import { EchoClient } from '../test/support/echo-client.ts'
import type { LoadOptions, LoadReport } from './load.ts'

// The body of the process that `startLoad` starts: calls the service continuously from many callers
// over one channel, and reports the failures.
const { url, target, callers, streams, retry, pauseMs } = JSON.parse(
  process.argv[2] ?? '{}',
) as LoadOptions & Pace
const registry = await createRegistry(url)
registerResolver(registry, { retry })
const client = new EchoClient(target, { 'grpc.max_reconnect_backoff_ms': 2_000 })

const report: {
  calls: number
  streams: number
  failed: Record<string, number>
  slowestMs: number
} = { calls: 0, streams: 0, failed: {}, slowestMs: 0 }
const end = new AbortController()

const failed = (what: string): void => {
  report.failed[what] = (report.failed[what] ?? 0) + 1
}

const call = async (): Promise<void> => {
  while (!end.signal.aborted) {
    const began = performance.now()
    const answer = await client.call()
    report.slowestMs = Math.max(report.slowestMs, performance.now() - began)
    if (/^\d+$/.test(answer)) report.calls += 1
    else failed(answer)
    await delay(pauseMs)
  }
}

const stream = async (): Promise<void> => {
  while (!end.signal.aborted) {
    const answer = await client.count(40)
    if (answer === 'OK after 40') report.streams += 1
    else failed(`stream: ${answer}`)
  }
}

// waits until the service can be called: the measurement begins then
while ((await client.call()).startsWith('UNAVAILABLE')) await delay(20)
const work = Promise.all([
  ...Array.from({ length: callers }, call),
  ...Array.from({ length: streams }, stream),
])

const close = async (): Promise<void> => {
  await work
  client.client.close()
  await registry.close()
  process.send?.({ ...report } satisfies LoadReport)
  process.disconnect()
}

process.on('message', (message) => {
  if (message === 'soFar') return void process.send?.({ ...report } satisfies LoadReport)
  end.abort()
  void close()
})
process.send?.('ready')
