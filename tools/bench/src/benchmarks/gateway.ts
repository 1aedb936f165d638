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
    'Two thousand requests with small answers, 32 at a time: through the gateway, through http-proxy-3, through a bare handler of `node:http` around undici that only drops hop-by-hop headers (the least that a proxy of this kind takes), and without a proxy. The proxy, the server behind it and the caller are three processes, without a proxy two. On two processors the time of a request therefore follows the CPU time of all its processes together: that of the proxy and that of the caller and the server. The gateway writes no access log and no metrics here.',
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
      remains:
        'the proxy takes more CPU time for a request than the caller and the server together do without one, so on two processors the time at least doubles, also through the bare handler; a machine with a processor for each of the three processes is needed to come closer. Half of the time of the proxy are the system calls that write to the two sockets (`writev`, `writeLatin1String` in the profile), one for the request and one for the response, which a proxy cannot save.',
    },
    p99: {
      what: '99th percentile of a request',
      unit: 'ms',
      goals: [{ side: '@sd', against: 'direct', atMost: 1.6 }],
      remains:
        'the 32 requests wait for one process, so the 99th percentile grows with the time of a request, which is more than 1.6 times that of a direct one. Garbage collection made it worse: closures that each request made in a constructor kept a quarter of what requests allocate alive until the next full collection, so that scavenges took 10 to 40 ms. Without them the longest of a sample is that of the last row. What else is in it is the wait for a processor.',
    },
    cpu: {
      what: `CPU time of the proxy for ${requestsPerRound} requests`,
      unit: 'ms',
      goals: [{ side: '@sd', against: 'http-proxy-3', atMost: 0.6 }],
      remains:
        'closures that each request made in a constructor were the largest avoidable part, and are gone. What `@sd` does and the bare handler does not: the headers that tell where a request came from, the pick of an instance, the repetition of a request that could not be sent, and the drain.',
    },
    restCpu: {
      what: `CPU time of the caller and the server for ${requestsPerRound} requests`,
      unit: 'ms',
    },
    pause: { what: 'longest pause of the proxy for garbage collection', unit: 'ms' },
  },
}
