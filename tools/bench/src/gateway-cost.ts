import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Pool } from 'undici'
import { type Comparison, comparisonOf } from './compare.ts'

const requestsPerRound = 2_000
const atATime = 32
const [rounds, warmUp] = [11, 4]

/** A server in its own process, so that its work counts for no side. */
const backendProgram = `
  const server = require('node:http').createServer((request, response) => {
    request.resume()
    response.end('{"ok":true}')
  })
  server.listen(0, '127.0.0.1', () => process.send(server.address().port))
`

/** What one round of requests took. */
interface Round {
  readonly elapsedMs: number
  readonly p99Ms: number
  /** CPU time of the process of the proxy. */
  readonly workMs: number
}

const runRound = async (pool: Pool, cpuMs: () => Promise<number>): Promise<Round> => {
  const latencies: number[] = []
  const caller = async (): Promise<void> => {
    for (let left = requestsPerRound / atATime; left > 0; left -= 1) {
      const began = performance.now()
      const { body } = await pool.request({ path: '/', method: 'GET' })
      await body.text()
      latencies.push(performance.now() - began)
    }
  }
  const [began, workBegan] = [performance.now(), await cpuMs()]
  await Promise.all(Array.from({ length: atATime }, caller))
  const elapsedMs = performance.now() - began
  latencies.sort((a, b) => a - b)
  const p99Ms = latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN
  return { elapsedMs, p99Ms, workMs: (await cpuMs()) - workBegan }
}

const startBackend = async (): Promise<{ child: ChildProcess; port: number }> => {
  const child = spawn(process.execPath, ['-e', backendProgram], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const [port] = (await once(child, 'message')) as [number]
  return { child, port }
}

/** A proxy of `proxy-process.ts`, in its own process. */
const startProxy = async (
  kind: string,
  backend: number,
): Promise<{ child: ChildProcess; port: number; cpuMs: () => Promise<number> }> => {
  const child = fork(new URL('proxy-process.ts', import.meta.url), [kind, String(backend)], {
    execArgv: ['--conditions=@sd/source', '--no-warnings'],
  })
  const [port] = (await once(child, 'message')) as [number]
  const cpuMs = async (): Promise<number> => {
    const answer = once(child, 'message')
    child.send('cpu')
    const [used] = (await answer) as [number]
    return used
  }
  return { child, port, cpuMs }
}

/**
 * Small bodies through the gateway, against direct requests and against http-proxy-3, in one run:
 * requests per second, the 99th percentile, and the CPU time of the proxies.
 */
export async function* compareGatewayCost(): AsyncGenerator<Comparison> {
  const backend = await startBackend()
  const gateway = await startProxy('gateway', backend.port)
  const other = await startProxy('http-proxy-3', backend.port)
  const none = async (): Promise<number> => 0
  const sides = [
    [new Pool(`http://127.0.0.1:${backend.port}`), none, [] as Round[]],
    [new Pool(`http://127.0.0.1:${gateway.port}`), gateway.cpuMs, [] as Round[]],
    [new Pool(`http://127.0.0.1:${other.port}`), other.cpuMs, [] as Round[]],
  ] as const
  try {
    for (let round = 0; round < rounds + warmUp; round += 1)
      for (const [pool, cpuMs, results] of [
        ...sides.slice(round % 3),
        ...sides.slice(0, round % 3),
      ]) {
        const result = await runRound(pool, cpuMs)
        if (round >= warmUp) results.push(result)
      }
    const of = (index: 0 | 1 | 2, key: keyof Round): number[] =>
      sides[index][2].map((round) => round[key])
    // 0.55 of the requests per second is 1 / 0.55 of the time
    yield comparisonOf(
      'gateway: time of small requests, against direct',
      1.82,
      of(0, 'elapsedMs'),
      of(1, 'elapsedMs'),
    )
    yield comparisonOf(
      'gateway: 99th percentile, against direct',
      1.6,
      of(0, 'p99Ms'),
      of(1, 'p99Ms'),
    )
    yield comparisonOf(
      'gateway: its work, against http-proxy-3',
      0.6,
      of(2, 'workMs'),
      of(1, 'workMs'),
    )
  } finally {
    await Promise.all(sides.map(([pool]) => pool.destroy()))
    for (const { child } of [backend, gateway, other]) child.kill()
  }
}
