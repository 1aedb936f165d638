import { createInterface } from 'node:readline'
import { makeFactory } from '@sd/contract-tests/world'
import { Registry } from '@sd/core'
import type { DriverFactory } from '@sd/core/driver'
import { monotonicMs } from '../timeline/run-clock.ts'
import type { TimelineEvent } from '../timeline/timeline-event.ts'
import { Client } from './client.ts'
import { countCalls } from './count-calls.ts'
import type { ClientOptions, Message, Order, OwnHappening } from './messages.ts'

// The body of a client process: obeys the orders on its standard input, one JSON document a line,
// and reports on its standard output. It does not call exit: it must end when no work is left.
const options = JSON.parse(process.argv[2] ?? '{}') as ClientOptions

const send = (message: Message): void => {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}
const nowMs = (): number => monotonicMs() - options.originMs
const report = (happening: OwnHappening): void =>
  send({ event: { ...happening, process: options.process, atMs: nowMs() } as TimelineEvent })

const wrapped = async (factory: DriverFactory): Promise<DriverFactory> => {
  if (options.wrapModule === undefined) return factory
  const module = (await import(options.wrapModule)) as {
    readonly wrap: (factory: DriverFactory) => DriverFactory
  }
  return module.wrap(factory)
}

const { factory, takeCounts } = countCalls(await wrapped(await makeFactory(options.place)))
const { ttlMs, callTimeoutMs, closeTimeoutMs, backoff } = options
const registry = new Registry(factory, { ttlMs, callTimeoutMs, closeTimeoutMs, backoff })
const client = new Client(registry, report, nowMs)

const reportEveryMs = 1_000
const lookEveryMs = 100
let lookedMs = nowMs()
let reportedMs = lookedMs
let cpu = process.cpuUsage()
const monitor = setInterval(() => {
  const atMs = nowMs()
  // a busy machine, or a process that was stopped: the checker allows for what that may cause
  if (atMs - lookedMs > ttlMs / 6) report({ type: 'lagged', sinceMs: lookedMs })
  lookedMs = atMs
  if (atMs - reportedMs < reportEveryMs) return
  const { user, system } = process.cpuUsage(cpu)
  cpu = process.cpuUsage()
  report({
    type: 'used',
    overMs: atMs - reportedMs,
    cpuMs: (user + system) / 1_000,
    calls: takeCounts(),
  })
  reportedMs = atMs
}, lookEveryMs)

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  const order = JSON.parse(line) as Order
  if (order.order === 'state') send({ number: order.number, state: client.state() })
  else if (order.order === 'leave') {
    clearInterval(monitor)
    lines.close()
    process.stdin.destroy()
    report({ type: 'process-closing' })
    void registry.close()
  } else client.obey(order)
})
// the run has ended without an order
lines.once('close', () => void registry.close().finally(() => clearInterval(monitor)))
