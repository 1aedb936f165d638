import { Registry } from '@sd/core'
import { memory, MemoryStore } from '@sd/memory'
import { ServiceDispatcher } from '@sd/undici'
import { type Dispatcher, Pool } from 'undici'
import type { Benchmark, Values } from '../frame/benchmark.ts'
import { startHttpServer } from '../rigs/http-server.ts'
import { repeated } from '../rigs/repeated.ts'
import { cpuMs } from '../rigs/time-calls.ts'

const requestsPerRound = 1_000
const atATime = 32
const [warmUp, rounds] = [10, 20]

const measure = async (dispatcher: Dispatcher, origin: string): Promise<Values> => {
  const caller = async (): Promise<void> => {
    for (let left = requestsPerRound / atATime; left > 0; left -= 1) {
      const { body } = await dispatcher.request({ origin, path: '/', method: 'GET' })
      await body.text()
    }
  }
  const cpu: number[] = []
  const round = async (): Promise<number> => {
    const [beganMs, usedMs] = [performance.now(), cpuMs()]
    await Promise.all(Array.from({ length: atATime }, caller))
    cpu.push(cpuMs() - usedMs)
    return performance.now() - beganMs
  }
  const requests = await repeated(round, { warmUp, rounds })
  return { requests, cpu: cpu.slice(warmUp) }
}

const byAddress = async (): Promise<Values> => {
  const { port } = await startHttpServer()
  const origin = `http://127.0.0.1:${port}`
  return measure(new Pool(origin), origin)
}

const byName = async (): Promise<Values> => {
  const registry = new Registry(memory({ store: new MemoryStore() }))
  const { port } = await startHttpServer()
  await registry.register({ service: 'orders', endpoints: [`http://127.0.0.1:${port}`] })
  return measure(new ServiceDispatcher({ discovery: registry }), 'http://orders.sd')
}

export const benchmark: Benchmark = {
  title: 'HTTP requests by name',
  about:
    "Small requests on kept connections of loopback, 32 at a time: by the service's name, and through undici's Pool of the address. On a busy machine only the CPU time is meaningful.",
  samples: 7,
  sides: { 'undici Pool': { run: byAddress }, '@sd': { run: byName } },
  rows: {
    cpu: {
      what: `CPU time of ${requestsPerRound} requests`,
      unit: 'ms',
      goals: [{ side: '@sd', against: 'undici Pool', atMost: 1.15 }],
    },
    requests: {
      what: `${requestsPerRound} requests`,
      unit: 'ms',
      goals: [{ side: '@sd', against: 'undici Pool', atMost: 1.1 }],
    },
  },
}
