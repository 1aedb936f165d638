import type { Benchmark, Values, World } from '../frame/benchmark.ts'
import { callRows, measureCalls } from '../rigs/measure-calls.ts'
import { registryCalls } from '../rigs/registry-calls.ts'

interface Answer {
  readonly index: string
  readonly text: string
}

const raw = async (world: World, waits: boolean): Promise<Values> => {
  const { Client } = await import('undici')
  const agent = new Client(`http://${world.endpoint}`)
  const ask = async (method: 'GET' | 'PUT', path: string, body?: object): Promise<Answer> => {
    const {
      statusCode,
      headers,
      body: answer,
    } = await agent.request({
      method,
      path,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (statusCode !== 200) throw new Error(`${method} ${path}: ${statusCode} ${text}`)
    return { index: String(headers['x-consul-index']), text }
  }
  // waits at the server for the next change, until the catalog shows the instance, or no longer
  const awaitCatalog = async (index: number, shown: boolean): Promise<void> => {
    const filter = encodeURIComponent(`Service.ID == "${world.namespace}-${index}"`)
    const path = `/v1/health/service/${world.namespace}?filter=${filter}`
    let answer = await ask('GET', path)
    while ((answer.text !== '[]') !== shown)
      answer = await ask('GET', `${path}&index=${answer.index}&wait=10s`)
  }
  return measureCalls(world, {
    register: async (index) => {
      await ask('PUT', '/v1/agent/service/register', {
        ID: `${world.namespace}-${index}`,
        Name: world.namespace,
        Address: '10.0.0.1',
        Port: 8_000 + index,
        Check: { TTL: '10s', Status: 'passing' },
      })
      if (waits) await awaitCatalog(index, true)
    },
    deregister: async (index) => {
      await ask('PUT', `/v1/agent/service/deregister/${world.namespace}-${index}`)
      if (waits) await awaitCatalog(index, false)
    },
  })
}

const registry = async (world: World): Promise<Values> => {
  const [{ Registry }, { consul }] = await Promise.all([import('@sd/core'), import('@sd/consul')])
  const config = { endpoint: `http://${world.endpoint}`, namespace: world.namespace }
  return measureCalls(world, registryCalls(new Registry(consul(config))))
}

export const benchmark: Benchmark = {
  title: 'Registering one instance on Consul',
  about:
    'One registration at a time on an open connection, then one deregistration at a time. The raw client sends one request to the agent, with a TTL check that begins as passing; `HTTP` does not wait for the catalog, `HTTP, until listed` reads it until it shows the change. `@sd` resolves when the catalog shows the record, so that every reader can list it.',
  server: 'consul',
  // each call waits for Consul's disk, and 2,000 of them warm up
  timeoutMs: 180_000,
  sides: {
    HTTP: { run: (world) => raw(world, false) },
    'HTTP, until listed': { run: (world) => raw(world, true) },
    '@sd': { run: registry },
  },
  rows: callRows('HTTP', {
    register: 2,
    deregister: 1.5,
    remains:
      'the raw client does not know when others can list the instance. The side that waits for the catalog alone takes about 1.3 times as long to register and 1.8 times to deregister, which is above the goal for deregistering. `@sd` sends five requests to register, one after the other: whether the agent has lost the session, who holds the id, the registration, the pass that makes the agent keep the state of the check over a restart, and the read of the catalog, which is repeated after a pause until it shows the instance. It sends three or four to deregister: whose entry it is, the deregistration, the reads of the catalog. Two of the five at the same time, and reads that wait at the server for the write, took 3.1 and 2.3 times as long as the raw client, in one run on a busy machine. But an agent of 1.10 and later answers a read that waits from its stream, which may be behind the catalog and begins empty, so that a removal could be acknowledged too early, and without the waiting reads, the two requests at once made a call fail that followed another one on a dead connection (T21). Without the reads before the write, the record of a rival for the same id would be overwritten or removed. The figures of CPU time follow the number of requests.',
  }),
}
