import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Pool } from 'undici'
import type { Benchmark, Values } from '../frame/benchmark.ts'
import { startHttpServer } from '../rigs/http-server.ts'

const requestsPerRound = 2_000
const atATime = 32
const [warmUp, rounds] = [6, 6]

interface Proxy {
  readonly port: number
  /** CPU time of its process so far. */
  readonly cpuMs: () => Promise<number>
}

/** A proxy of `proxy-process.ts`, in its own process. */
const startProxy = async (kind: string, backend: number): Promise<Proxy> => {
  const program = new URL('../rigs/proxy-process.ts', import.meta.url)
  const child = fork(program, [kind, String(backend)], { execArgv: ['--no-warnings'] })
  const [port] = (await once(child, 'message')) as [number]
  const cpuMs = async (): Promise<number> => {
    const answer = once(child, 'message')
    child.send('cpu')
    const [used] = (await answer) as [number]
    return used
  }
  return { port, cpuMs }
}

const measure = async ({ port, cpuMs }: Proxy): Promise<Values> => {
  const pool = new Pool(`http://127.0.0.1:${port}`)
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
  const usedMs = await cpuMs()
  const requests: number[] = []
  for (let index = 0; index < rounds; index += 1) requests.push(await round())
  const cpu = ((await cpuMs()) - usedMs) / rounds
  latencies.sort((a, b) => a - b)
  const p99 = latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN
  return { requests, p99, ...(cpu === 0 ? {} : { cpu }) }
}

const through = async (kind: string): Promise<Values> =>
  measure(await startProxy(kind, await startHttpServer()))

export const benchmark: Benchmark = {
  title: 'Small requests through the gateway',
  about:
    'Two thousand requests with small answers, 32 at a time, through the gateway, through http-proxy-3, and without a proxy. The proxy, the server behind it and the caller are three processes.',
  sides: {
    direct: { run: async () => measure({ port: await startHttpServer(), cpuMs: async () => 0 }) },
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
  },
}
