import { Pool } from 'undici'
import type { Benchmark, Values } from '../frame/benchmark.ts'
import { type Served, startHttpServer, startServing } from '../rigs/http-server.ts'
import { useOf } from '../rigs/process-use.ts'
import { cpuMs } from '../rigs/time-calls.ts'

const requestsPerRound = 2_000
const atATime = 32
const [warmUp, rounds] = [10, 10]

/** What the processes have used so far. */
const usedBy = async (server: Served, proxy: Served | undefined) => {
  const own = cpuMs()
  const [{ cpuMs: served }, ofProxy] = await Promise.all([
    useOf(server.child),
    proxy === undefined ? undefined : useOf(proxy.child),
  ])
  return { rest: own + served, cpu: ofProxy?.cpuMs, pause: ofProxy?.pauseMs }
}

const measure = async (server: Served, proxy?: Served): Promise<Values> => {
  const pool = new Pool(`http://127.0.0.1:${(proxy ?? server).port}`)
  const latencies: number[] = []
  const caller = async (): Promise<void> => {
    for (let left = requestsPerRound / atATime; left > 0; left -= 1) {
      const beganMs = performance.now()
      const { body } = await pool.request({ path: '/', method: 'GET' })
      await body.text()
      latencies.push(performance.now() - beganMs)
    }
  }
  const round = async (): Promise<number> => {
    const beganMs = performance.now()
    await Promise.all(Array.from({ length: atATime }, caller))
    return performance.now() - beganMs
  }
  for (let index = 0; index < warmUp; index += 1) await round()
  latencies.length = 0
  const before = await usedBy(server, proxy)
  const requests: number[] = []
  for (let index = 0; index < rounds; index += 1) requests.push(await round())
  const after = await usedBy(server, proxy)
  latencies.sort((a, b) => a - b)
  const p99 = latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN
  const restCpu = (after.rest - before.rest) / rounds
  if (after.cpu === undefined || before.cpu === undefined) return { requests, p99, restCpu }
  const cpu = (after.cpu - before.cpu) / rounds
  return { requests, p99, restCpu, cpu, pause: after.pause ?? 0 }
}

const through = async (kind: string): Promise<Values> => {
  const server = await startHttpServer()
  return measure(server, await startServing('./proxy-process.ts', [kind, String(server.port)]))
}

export const benchmark: Benchmark = {
  title: 'Small requests through the gateway',
  about:
    'Two thousand requests with small answers, 32 at a time, through the gateway, through http-proxy-3, and without a proxy. The proxy, the server behind it and the caller are three processes.',
  sides: {
    direct: { run: async () => measure(await startHttpServer()) },
    'bare handler': { run: () => through('bare') },
    '@sd': { run: () => through('gateway') },
    'http-proxy-3': { run: () => through('http-proxy-3') },
  },
  rows: {
    requests: {
      what: `${requestsPerRound} requests`,
      unit: 'ms',
      // 0.55 of the requests per second is 1 / 0.55 of the time
      goals: [{ side: '@sd', against: 'direct', atMost: 1.82 }],
    },
    p99: {
      what: '99th percentile of a request',
      unit: 'ms',
      goals: [{ side: '@sd', against: 'direct', atMost: 1.6 }],
    },
    cpu: {
      what: `CPU time of the proxy for ${requestsPerRound} requests`,
      unit: 'ms',
      goals: [{ side: '@sd', against: 'http-proxy-3', atMost: 0.6 }],
    },
    restCpu: {
      what: `CPU time of the caller and the server for ${requestsPerRound} requests`,
      unit: 'ms',
    },
    pause: { what: 'longest pause of the proxy for garbage collection', unit: 'ms' },
  },
}
