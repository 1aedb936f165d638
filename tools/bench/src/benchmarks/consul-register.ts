import type { Benchmark, Values, World } from '../frame/benchmark.ts'
import { callRows, measureCalls } from '../rigs/measure-calls.ts'
import { registryCalls } from '../rigs/registry-calls.ts'

const raw = async (world: World): Promise<Values> => {
  const { Client } = await import('undici')
  const agent = new Client(`http://${world.endpoint}`)
  const put = async (path: string, body?: object): Promise<void> => {
    const { statusCode, body: answer } = await agent.request({
      method: 'PUT',
      path,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    await answer.dump()
    if (statusCode !== 200) throw new Error(`PUT ${path}: ${statusCode}`)
  }
  return measureCalls(world, {
    register: (index) =>
      put('/v1/agent/service/register', {
        ID: `${world.namespace}-${index}`,
        Name: world.namespace,
        Address: '10.0.0.1',
        Port: 8_000 + index,
        Check: { TTL: '10s', Status: 'passing' },
      }),
    deregister: (index) => put(`/v1/agent/service/deregister/${world.namespace}-${index}`),
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
    'One registration at a time on an open connection, then one deregistration at a time. The raw client sends one request to the agent, with a TTL check that begins as passing, and does not wait for the catalog. `@sd` resolves when the catalog shows the record, so that every reader can list it.',
  server: 'consul',
  sides: { HTTP: { run: raw }, '@sd': { run: registry } },
  rows: callRows('HTTP', {
    register: 2,
    deregister: 1.5,
    remains:
      'the raw client does not know when others can list the instance. `@sd` writes, passes the check, and reads the catalog until it shows the record, which is what `register` promises.',
  }),
}
