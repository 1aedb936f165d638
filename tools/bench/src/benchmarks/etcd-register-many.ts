import type { Benchmark, Values, World } from '../frame/benchmark.ts'
import { batchSize, documentOf } from '../rigs/etcd-records.ts'
import { inputOf, openEtcd3, openRegistry } from '../rigs/open-etcd.ts'
import { cpuMs, elapsedMs } from '../rigs/time-calls.ts'
import { timePeerCalls } from '../rigs/timed-peers.ts'

const instances = 1_000
const [warmUp, rounds] = [6, 10]

const measure = async (
  registerAll: (round: number) => Promise<unknown>,
  clear: (round: number) => Promise<unknown>,
): Promise<Values> => {
  const cold = await elapsedMs(() => registerAll(0))
  await clear(0)
  const warm: number[] = []
  let usedMs = 0
  for (let round = 1; round <= warmUp + rounds; round += 1) {
    const beganMs = cpuMs()
    const tookMs = await elapsedMs(() => registerAll(round))
    if (round > warmUp) {
      warm.push(tookMs)
      usedMs += cpuMs() - beganMs
    }
    await clear(round)
  }
  return { cold, warm, cpu: usedMs / rounds }
}

const raw = async (world: World): Promise<Values> => {
  const client = await openEtcd3(world)
  const { ID } = await client.leaseClient.leaseGrant({ TTL: 60 })
  const keyOf = (index: number): Buffer => Buffer.from(`${world.namespace}/orders/i${index}`)
  const registerBatch = (start: number): Promise<unknown> => {
    const indexes = Array.from({ length: batchSize }, (_, at) => start + at)
    return client.kv.txn({
      compare: indexes.map((index) => ({
        key: keyOf(index),
        target: 'Mod',
        result: 'Equal',
        mod_revision: 0,
      })),
      success: indexes.map((index) => ({
        request_put: { key: keyOf(index), value: Buffer.from(documentOf(index)), lease: ID },
      })),
    })
  }
  return measure(
    () =>
      Promise.all(
        Array.from({ length: instances / batchSize }, (_, at) => registerBatch(at * batchSize)),
      ),
    () => client.delete().prefix(`${world.namespace}/`).exec(),
  )
}

const registry = async (world: World): Promise<Values> => {
  const own = await openRegistry(world, world.namespace)
  // the connection and the session are open, as on the raw side
  await own.register({ service: 'others', endpoints: ['http://10.0.0.1:80'] })
  let registered: readonly { deregister(): Promise<void> }[] = []
  return measure(
    async () => {
      registered = await Promise.all(
        Array.from({ length: instances }, (_, index) => own.register(inputOf(index))),
      )
    },
    () => Promise.all(registered.map((registration) => registration.deregister())),
  )
}

/** It has no call for many: one after the other. */
const goZero = async (world: World): Promise<Values> => {
  const counts = { count: instances, warmUp: 0 }
  const { register } = await timePeerCalls(world, { toolchain: 'go', peer: 'go-zero' }, counts)
  return { cold: register.reduce((sum, tookMs) => sum + tookMs, 0) }
}

const remains =
  'of 35 µs of CPU time for a registration, core takes about 15 µs, which is what one takes in memory, and the driver and the client 20 µs, which is what the raw client takes to write the same document. The key is encoded once for each write and the id of the lease once for each transaction, and the sets and closures that each registration had for its waiters are gone. In a profile of core alone there is no single cost left: a fifth is the garbage collector, a tenth writing the JSON, a tenth the validation of the fields and of the URL, and the rest is spread over forty functions: the table of what is desired, the promise and the status of each registration, and what was sent, which audits compare. The raw client promises none of that.'

const goal = { side: '@sd', against: 'etcd3', atMost: 1.3 } as const

export const benchmark: Benchmark = {
  title: 'Registering 1,000 instances on etcd at once',
  about:
    'A thousand calls of `register` at once, in a process that has registered one instance before (cold), and after seven thousand of them (warmed up). The raw client creates the keys in transactions of 125 under the condition that they are absent.',
  server: 'etcd',
  sides: {
    etcd3: { run: raw },
    '@sd': { run: registry },
    'go-zero': { needs: 'go', run: goZero },
  },
  rows: {
    cold: { what: '1,000 registrations, cold', unit: 'ms', goals: [goal], remains },
    warm: { what: '1,000 registrations, warmed up', unit: 'ms', goals: [goal], remains },
    cpu: { what: 'CPU time of 1,000 registrations, warmed up', unit: 'ms', goals: [goal], remains },
  },
}
