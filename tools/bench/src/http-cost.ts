import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Registry } from '@sd/core'
import { memory, MemoryStore } from '@sd/memory'
import { ServiceDispatcher } from '@sd/undici'
import { type Dispatcher, Pool } from 'undici'
import { compare, type Comparison, type Side } from './compare.ts'

const requestsPerRound = 1_000
const atATime = 32

/** A server in its own process, so that neither side's time includes its work. */
const serverProgram = `
  const server = require('node:http').createServer((request, response) => {
    request.resume()
    response.end('hello')
  })
  server.listen(0, '127.0.0.1', () => console.log(server.address().port))
`

/** Milliseconds since some moment: of wall-clock time, or of CPU time of this process. */
type Meter = () => number
const wall: Meter = () => performance.now()
const work: Meter = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

const round =
  (dispatcher: Dispatcher, origin: string, meter: Meter): Side =>
  async () => {
    const caller = async (): Promise<void> => {
      for (let left = requestsPerRound / atATime; left > 0; left -= 1) {
        const { body } = await dispatcher.request({ origin, path: '/', method: 'GET' })
        await body.text()
      }
    }
    const beganMs = meter()
    await Promise.all(Array.from({ length: atATime }, caller))
    return meter() - beganMs
  }

/**
 * Requests on kept connections of loopback: by the service's name, against undici's Pool of the
 * address. Measures both elapsed time and CPU time: on a busy machine only the latter is
 * meaningful.
 */
export async function* compareHttpCost(): AsyncGenerator<Comparison> {
  const server = spawn(process.execPath, ['-e', serverProgram], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(server.stdout, 'data')) as [Buffer]
  const origin = `http://127.0.0.1:${line.toString().trim()}`
  const registry = new Registry(memory({ store: new MemoryStore() }))
  await registry.register({ service: 'orders', endpoints: [origin] })
  const dispatcher = new ServiceDispatcher({ discovery: registry })
  const pool = new Pool(origin)
  try {
    for (const [what, limit, meter] of [
      ['time', 1.1, wall],
      ['work', 1.15, work],
    ] as const)
      yield await compare(
        `http: ${what} of requests by name, against a Pool of the address`,
        limit,
        round(pool, origin, meter),
        round(dispatcher, 'http://orders.sd', meter),
      )
  } finally {
    await Promise.all([dispatcher.destroy(), pool.destroy()])
    await registry.close()
    server.kill()
  }
}
